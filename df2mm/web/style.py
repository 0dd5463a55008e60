"""How the page looks; colours are the theme's, for light and dark."""

CSS = """
.gradio-container { max-width: 1280px !important; }
.df2-header h1 { margin: 0; font-size: 1.5rem; font-weight: 650; }
.df2-header p { margin: .15rem 0 0; color: var(--body-text-color-subdued); }
.df2-header b { color: var(--body-text-color); }
.df2-note { margin: .25rem 0; color: var(--body-text-color-subdued); }
.df2-error { margin: .25rem 0; padding: .6rem .8rem; border-radius: 8px;
  border: 1px solid var(--error-border-color); color: var(--error-text-color);
  background: var(--error-background-fill); }
#df2-upload .wrap { line-height: 1.3; padding: 0; }
#df2-examples .grid-container {
  grid-template-columns: repeat(auto-fill, minmax(60px, 1fr)) !important; }
#df2-picture img { cursor: pointer; max-height: 72vh; }
.df2-matches { list-style: none; margin: 0; padding: 0; display: grid; gap: 12px;
  grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); }
.df2-matches li { margin: 0; padding: 8px; min-width: 0; border-radius: 10px;
  border: 1px solid var(--border-color-primary);
  background: var(--background-fill-primary); font-size: .84rem; line-height: 1.35; }
.df2-matches img, .df2-no-picture { display: flex; width: 100%; aspect-ratio: 4 / 5;
  object-fit: contain; border-radius: 6px; background: var(--background-fill-secondary);
  align-items: center; justify-content: center; text-align: center;
  color: var(--body-text-color-subdued); }
.df2-score { display: flex; align-items: center; gap: 6px; margin: 6px 0 2px; }
.df2-score > i { flex: 1; height: 6px; border-radius: 3px; overflow: hidden;
  background: var(--border-color-primary); }
.df2-score i i { display: block; height: 100%; background: var(--color-accent); }
.df2-score b { font-variant-numeric: tabular-nums; }
.df2-rank { color: var(--body-text-color-subdued); }
.df2-category { font-weight: 600; }
.df2-id { color: var(--body-text-color-subdued); font-size: .78rem;
  overflow-wrap: anywhere; }
.df2-matches dl { display: grid; grid-template-columns: auto 1fr; gap: 0 8px;
  margin: 4px 0 0; font-size: .78rem; }
.df2-matches dt { color: var(--body-text-color-subdued); }
.df2-matches dd a { padding: 0; margin: 0; }
.df2-matches dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
"""

"""The look of a report: one style sheet, light and dark, phone to wide screen."""

STYLE = '''
:root{color-scheme:light dark;--paper:#f7f8fa;--card:#fff;--ink:#1b2029;
--soft:#5b6472;--line:#e2e6eb;--accent:#2f5fd0;--mount:#eceff3;
--series-1:#2f6fed;--series-2:#e0851b;--series-3:#17a05d;--series-4:#c2408f;
--series-5:#8a63d2;--series-6:#1c9cb5;--shadow:0 1px 2px #10182812,0 4px 16px #1018280a}
@media (prefers-color-scheme:dark){:root{--paper:#101318;--card:#181c23;--ink:#e8ebf0;
--soft:#9aa4b2;--line:#2a303a;--accent:#8fb1ff;--mount:#0b0d11;--series-1:#6b9bff;
--series-2:#f0a44b;--series-3:#46c98b;--series-4:#e678b9;--series-5:#b094f0;
--series-6:#54c3da;--shadow:none}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,
sans-serif}
.wrap{max-width:1180px;margin:0 auto;padding:0 24px}
header{background:var(--card);border-bottom:1px solid var(--line)}
header .wrap{padding-top:44px;padding-bottom:28px}
.project{display:inline-flex;align-items:center;gap:9px;font-weight:650;
letter-spacing:.01em;color:var(--accent)}
.project svg{width:24px;height:24px}
h1{font-size:clamp(1.75rem,1.2rem + 2.4vw,2.75rem);line-height:1.15;
letter-spacing:-.022em;margin:14px 0 8px;text-wrap:balance}
.subtitle{margin:0;color:var(--soft);font-size:1.08rem;max-width:68ch}
nav{display:flex;flex-wrap:wrap;gap:6px 20px;margin-top:22px;font-size:.92rem}
nav a{color:var(--soft);text-decoration:none}
nav a:hover{color:var(--accent);text-decoration:underline;text-underline-offset:4px}
main{padding-top:8px;padding-bottom:24px}
section{margin:44px 0;scroll-margin-top:20px}
h2{font-size:1.42rem;line-height:1.25;letter-spacing:-.012em;margin:0 0 6px}
h3{font-size:1rem;margin:0 0 12px;font-weight:620}
p{margin:0 0 14px;max-width:72ch}
section>p{color:var(--soft)}
.panel{background:var(--card);border:1px solid var(--line);border-radius:12px;
box-shadow:var(--shadow);padding:20px 22px;margin:18px 0;overflow-x:auto}
.row{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));
gap:0 18px;align-items:start}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(158px,1fr));gap:14px;
margin:20px 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;
box-shadow:var(--shadow);padding:16px 18px}
.card dt{color:var(--soft);font-size:.86rem}
.card dd{margin:2px 0 0;font-size:1.85rem;line-height:1.2;font-weight:640;
letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.card small{display:block;color:var(--soft);font-size:.82rem;margin-top:2px}
table{border-collapse:collapse;width:100%;font-size:.94rem;
font-variant-numeric:tabular-nums}
caption{caption-side:top;text-align:left;font-weight:620;padding:0 0 10px}
th,td{padding:8px 14px;text-align:left;border-bottom:1px solid var(--line);
white-space:nowrap}
th:first-child,td:first-child{padding-left:0}
th:last-child,td:last-child{padding-right:0}
th{color:var(--soft);font-weight:560;font-size:.86rem;vertical-align:bottom}
tbody tr:last-child td{border-bottom:0}
tbody tr:hover td{background:color-mix(in srgb,var(--accent) 6%,transparent)}
.num{text-align:right}
.gallery{display:grid;gap:18px;margin:20px 0;
grid-template-columns:repeat(auto-fill,minmax(min(100%,var(--cell)),1fr))}
figure{margin:0;min-width:0}
figure input{position:absolute;opacity:0;pointer-events:none}
figure label{display:block;cursor:zoom-in}
figure img{display:block;width:100%;height:auto;aspect-ratio:var(--ratio);
object-fit:contain;background:var(--mount);border-radius:10px;
border:1px solid var(--line)}
figure span{display:block;margin-top:7px;font-size:.86rem;line-height:1.4;
color:var(--soft);overflow-wrap:anywhere}
figure input:focus-visible+label img{outline:3px solid var(--accent);outline-offset:2px}
figure input:checked+label{position:fixed;inset:0;z-index:9;display:flex;
flex-direction:column;align-items:center;justify-content:center;cursor:zoom-out;
background:#0b0d11f0;padding:2vmin}
figure input:checked+label img{aspect-ratio:auto;width:auto;height:auto;
max-width:100%;max-height:calc(100% - 40px);min-height:0;border:0;border-radius:4px;
flex:0 1 auto}
figure input:checked+label span{color:#dfe4ec}
.chart{display:block;width:100%;min-width:440px;max-width:720px;height:auto;
margin:0 auto}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.88rem;margin-bottom:12px}
.legend i{display:inline-block;width:14px;height:4px;border-radius:2px;
margin-right:7px;vertical-align:middle}
.bars{display:grid;grid-template-columns:max-content minmax(90px,1fr);gap:9px 16px;
align-items:center;font-size:.93rem}
.bar{display:grid;grid-template-columns:1fr 4.2em;align-items:center;gap:10px}
.bar+.bar{margin-top:3px}
.track{height:9px;border-radius:5px;background:var(--line);overflow:hidden}
.track i{display:block;height:100%;border-radius:5px}
.bar b{font-weight:560;font-size:.88rem;text-align:right;
font-variant-numeric:tabular-nums}
.empty{color:var(--soft);font-style:italic}
footer{border-top:1px solid var(--line);color:var(--soft);font-size:.86rem;
padding:22px 0 40px}
@media (max-width:600px){.wrap{padding:0 16px}header .wrap{padding-top:26px;
padding-bottom:20px}section{margin:32px 0}.panel{padding:16px}
.cards{grid-template-columns:1fr 1fr;gap:10px}.card{padding:12px 14px}
.card dd{font-size:1.5rem}th,td{padding:7px 10px}
.gallery{gap:12px;grid-template-columns:repeat(auto-fill,minmax(min(100%,
calc(var(--cell)*.62)),1fr))}}
@media print{.panel,.card{box-shadow:none;break-inside:avoid}figure{break-inside:avoid}
nav{display:none}}
'''

#: A hanger, drawn for this page.
MARK = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
    '<path d="M9.6 6.2a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2 1-1.2 1.9v.6"/>'
    '<path d="M12 10.8 21 17a1.2 1.2 0 0 1-.7 2.2H3.7A1.2 1.2 0 0 1 3 17z"/></svg>')

#: Escape closes an enlarged picture; without scripts a click does.
SCRIPT = ('addEventListener("keydown",e=>{if(e.key==="Escape")document'
          '.querySelectorAll("figure input:checked").forEach(i=>i.checked=false)})')

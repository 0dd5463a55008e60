"""The page's layout, and which action calls which handler. Needs gradio."""

import os

# Read when gradio is imported and when a page is built.
os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
os.environ['HF_HUB_DISABLE_TELEMETRY'] = '1'

import gradio as gr

from df2mm.web.cards import header_html, note_html
from df2mm.web.handlers import START, Handlers, Settings
from df2mm.web.photo import LAYERS

# A photo in memory is a few megabytes: seconds after which an idle one goes.
_FORGET_AFTER = 3600
_MOST_MATCHES = 60


def theme() -> gr.Theme:
    """One whose fonts the visitor's system has: no other host is asked for any."""
    return gr.themes.Default(
        primary_hue='blue', neutral_hue='slate',
        font=['system-ui', 'sans-serif'], font_mono=['ui-monospace', 'monospace'])


def build_page(finder, handlers: Handlers, examples, *, score_thr: float = 0.3,
               count: int = 12) -> gr.Blocks:
    """The page.

    Args:
        finder (Finder): Its gallery's name and size are shown.
        handlers (Handlers): What answers.
        examples (Sequence[Example]): Photos to pick from; may be empty.
        score_thr (float): Least score of a garment that is shown, 0..1, at first.
        count (int): Matches at first, 1..60.

    Raises:
        ValueError: If ``score_thr`` or ``count`` is outside its range.
    """
    if not 0 <= score_thr <= 1:
        raise ValueError(f'score_thr must be in 0..1, got {score_thr}')
    if not 1 <= count <= _MOST_MATCHES:
        raise ValueError(f'count must be in 1..{_MOST_MATCHES}, got {count}')
    with gr.Blocks(title='Find this garment', analytics_enabled=False,
                   delete_cache=(600, 600)) as page:
        gr.HTML(header_html(finder.name, len(finder)))
        photo = gr.State(None, time_to_live=_FORGET_AFTER)
        with gr.Row():
            with gr.Column(scale=5, min_width=320):
                upload, gallery = _sources(examples)
                message = gr.HTML('', visible=False, elem_id='df2-message')
                with gr.Column(visible=False) as panel:
                    picture = gr.Image(
                        label='Photo', format='jpeg', interactive=False,
                        show_label=False, buttons=[], elem_id='df2-picture',
                        alt_text='the photo with its garments')
                    layers = gr.CheckboxGroup(
                        list(LAYERS), value=list(LAYERS), label='Show',
                        elem_id='df2-layers')
            with gr.Column(scale=6, min_width=320):
                garments = gr.Radio(
                    [], label='Garments', visible=False, elem_id='df2-garments')
                settings = [layers, *_options(score_thr, count)]
                matches = gr.HTML(note_html(START), elem_id='df2-results')
        shown = [photo, panel, picture, garments, message, matches]
        _wire(handlers, examples, upload, gallery, settings, shown)
    return page.queue(max_size=64, api_open=False)


def _sources(examples) -> tuple:
    upload = gr.File(
        label='Photo', show_label=False, file_types=['image'], type='binary',
        height=128, elem_id='df2-upload')
    gallery = gr.Gallery(
        [example.thumbnail for example in examples], label='Photos to pick from',
        show_label=False, columns=8, height=150, object_fit='cover',
        allow_preview=False, format='jpeg', interactive=False, buttons=[],
        visible=bool(examples), elem_id='df2-examples')
    return upload, gallery


def _options(score_thr, count) -> list:
    with gr.Accordion('Options', open=False, elem_id='df2-options'):
        threshold = gr.Slider(0, 1, score_thr, step=0.01, label='Least garment score')
        number = gr.Slider(1, _MOST_MATCHES, count, step=1, label='Matches')
        same = gr.Checkbox(False, label="Only the garment's category")
        one = gr.Checkbox(False, label='One match per picture')
    return [threshold, number, same, one]


def _wire(handlers, examples, upload, gallery, settings, shown) -> None:
    photo, _, picture, garments, _, matches = shown
    layers, threshold, *searching = settings

    def open_upload(data, *values):
        # Emptied, so that the next photo can be dropped at the same place.
        return None, *_updates(handlers.open(data, Settings(*values)))

    def open_example(event: gr.SelectData, *values):
        example = examples[event.index]
        return _updates(handlers.open(example.read(), Settings(*values)))

    def click(photo, chosen, event: gr.SelectData, *values):
        return _updates(handlers.click(photo, chosen, event.index, Settings(*values)))

    def show(photo, chosen, *values):
        return _updates(handlers.show(photo, chosen, Settings(*values)))

    def search(photo, chosen, *values):
        return handlers.matches(photo, chosen, Settings(*values))

    private = dict(api_visibility='private')
    inputs = [photo, garments, *settings]
    upload.upload(open_upload, [upload, *settings], [upload, *shown], **private)
    gallery.select(open_example, settings, shown, **private)
    picture.select(click, inputs, shown, show_progress='hidden', **private)
    garments.input(show, inputs, shown, show_progress='hidden', **private)
    for control in (layers, threshold):
        control.input(show, inputs, shown, show_progress='hidden',
                      trigger_mode='always_last', **private)
    for control in searching:
        control.input(search, inputs, matches, show_progress='hidden',
                      trigger_mode='always_last', **private)


def _updates(view) -> tuple:
    """A View as values of the page's components."""
    return (
        view.photo, gr.update(visible=view.picture is not None), view.picture,
        gr.update(choices=view.garments, value=view.chosen,
                  visible=bool(view.garments)),
        gr.update(value=view.message, visible=bool(view.message)), view.matches)

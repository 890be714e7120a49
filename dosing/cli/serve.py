"""The verb serve: the page in the browser, on 127.0.0.1 only."""

from __future__ import annotations

from collections.abc import Sequence

import click

from dosing.cli.group import JSON, LIBRARY, cli


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser of this desk.")
@LIBRARY
@JSON
def serve(port: int, opens: bool, library: Sequence[str], as_json: bool) -> int:
    """The page in the browser, on this machine only (127.0.0.1); Ctrl-C ends it. Nothing is stored and nothing is logged."""
    import gc
    import json

    from dosing.web.server import serve as answer

    def begun(address: str) -> None:
        click.echo(json.dumps({"url": address}) if as_json else address)
        click.echo("open this address in the browser of this machine; Ctrl-C ends it", err=True)
        if opens:
            click.launch(address)

    gc.enable()  # a long process, unlike the other verbs
    answer(port, library, begun)
    return 0

"""`kerasdl serve`: put exported models behind TF Serving's REST API."""

import typer

from kerasdl.cli import app


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def serve(context: typer.Context) -> None:
    """Serve exported models over HTTP, as TF Serving does, until Ctrl-C.

    `kerasdl serve DIR` serves all models below a folder; TF Serving's own flags work as well.
    `kerasdl serve --help` lists them.
    """
    from kerasdl.server import flags, launch

    try:
        launch.run(flags.parse(context.args))
    except KeyboardInterrupt:  # while the models were still being loaded
        raise typer.Exit(130) from None

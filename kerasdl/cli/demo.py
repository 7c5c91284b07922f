"""`kerasdl demo`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from kerasdl.cli import app
from kerasdl.cli.quiet import quiet_start

LEAST_ACCURACY = 0.97


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for all that the demo makes.")] = Path("demo"),
    epochs: Annotated[int | None, typer.Option(help="Default: the recipe's.")] = None,
) -> None:
    """The whole way once: train on digits, export, serve, ask over HTTP; a minute or two.

    Exit status 0 only when every answer over HTTP equals the in-process one and the test accuracy
    is at least 97 %.
    """
    console = Console()
    with console.status("starting TensorFlow …"), quiet_start():
        from kerasdl.demo import run_demo

    def say(line):
        console.print(line, style="bold")

    made = run_demo(out, epochs, say)
    results = made.run.results
    table = Table(title="Answers over HTTP", title_justify="left")
    for heading in ("sent", "true", "predicted"):
        table.add_column(heading)
    for heading in ("probability", "latency", "as in-process"):
        table.add_column(heading, justify="right")
    for answer in made.answers:
        table.add_row(
            answer.picture.name,
            answer.true_label,
            answer.label,
            f"{answer.probability:.3f}",
            f"{answer.milliseconds:.1f} ms",
            f"yes ({answer.difference:.0e})" if answer.agrees else "NO",
        )
    console.print(table)
    agreeing = sum(answer.agrees for answer in made.answers)
    accuracy = results["test_accuracy"]
    console.print(
        f"test accuracy {accuracy:.2%} on {results['test_examples']} images, trained in "
        f"{made.training_seconds:.0f} s; {agreeing} of {len(made.answers)} HTTP answers equal the "
        "in-process ones"
    )
    name = made.version_folder.parent.name
    served = made.version_folder.parent.parent
    picture = made.answers[3].picture
    pictures = [
        made.run.learning_curve_path,
        made.run.confusion_matrix_path,
        made.attention_path,
    ]
    base64 = f"$(base64 < {picture} | tr -d '\\n')"
    lines = [
        "pictures:  " + "  ".join(map(str, pictures)),
        "",
        "Go on:",
        f"  kerasdl serve {served} --port 8501",
        f"  kerasdl query {picture} --model {name}",
        f"""  printf '{{"instances": [{{"b64": "%s"}}]}}' "{base64}" |""",
        f"    curl --data-binary @- http://127.0.0.1:8501/v1/models/{name}:predict",
        "  kerasdl train vit --dataset fashion_mnist",
    ]
    for line in lines:
        typer.echo(line)
    problems = []
    if agreeing != len(made.answers):
        problems.append(f"{len(made.answers) - agreeing} HTTP answers differ from in-process")
    if accuracy < LEAST_ACCURACY:
        problems.append(f"test accuracy {accuracy:.2%} is under {LEAST_ACCURACY:.0%}")
    if problems:
        typer.echo(f"kerasdl: error: {'; '.join(problems)}", err=True)
        raise typer.Exit(1)

"""The commands of the README work as the first ones after a clone, and both halves agree."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import interac_decompression
import main
import view_ml_compressed
from autoencoder.mnist import load_mnist
from tests.fixtures import ROOT

import pytest

README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPTS: dict[str, Any] = {
    f"{module.__name__}.py": module for module in (main, interac_decompression, view_ml_compressed)
}


def commands(text: str) -> list[str]:
    """What a reader may type: lines of code blocks and code in a line, without their comments."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(python [^`]+)`", text)
    typed = (line.split("#")[0].strip() for line in lines)
    return sorted({line for line in typed if "python " in line or line.startswith("torchrun ")})


@pytest.mark.parametrize("command", commands(README))
def test_a_command_of_the_readme_is_understood(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    start = command.index("main.py") if command.startswith("torchrun") else command.index("python ")
    words = shlex.split(command[start:].removeprefix("python "))
    if words[0] in SCRIPTS:
        monkeypatch.setattr("sys.argv", words)
        if "--help" not in words:
            SCRIPTS[words[0]].parse_arguments()
    elif words[0] == "-m":
        module = ROOT / f"{words[1].replace('.', '/')}.py"
        assert module.exists() or words[1] in ("pytest", "venv")
    else:
        pytest.fail(f"no test knows {words[0]}")


def test_a_fresh_clone_has_all_that_the_scripts_read(tmp_path: Path) -> None:
    """The digits as archives, nothing unpacked beside them, and both networks."""
    tracked = subprocess.run(
        ["git", "ls-files", "data", "checkpoints"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    if not tracked:
        pytest.skip("this needs git, to know what a clone has")
    archives = [Path(name) for name in tracked if name.startswith("data")]
    assert len(archives) == 4
    for archive in archives:
        (tmp_path / archive).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / archive, tmp_path / archive)
    assert len(load_mnist(tmp_path / "data", "all").labels) == 70_000
    assert {Path(name).name for name in tracked if name.startswith("checkpoints")} == {
        "autoencoder_pretrained.pth",
        "autoencoder_record.pth",
    }


def test_both_halves_name_the_packages_of_debian_that_the_check_installs() -> None:
    packages = re.findall(r"^packages=\((.*?)\)", (ROOT / ".ci/run").read_text(), re.DOTALL | re.M)
    for half in README.split("## Français"):
        assert [name for name in packages[0].split() if name not in half.lower()] == []


WORDS = {"DOSSIER": "FOLDER", "FICHIER": "FILE", "PREMIERE": "FIRST", "\N{NO-BREAK SPACE}": " "}


def test_both_halves_of_the_readme_name_the_same_commands() -> None:
    halves = []
    for half in README.split("## Français"):
        for french, english in WORDS.items():
            half = half.replace(french, english)
        halves.append({command for command in commands(half) if "pip" not in command})
    # The first command of all stands above both.
    assert halves[0] == halves[1]

"""Columns of numbers that are no plain ones, from the file to the prediction."""

from __future__ import annotations

import json

import pytest

TRAIN = "price;rate;y\n" + "".join(f"${k}.{k * 37 % 1000:03d};{k}.5%;{k}.25\n" for k in range(1, 30))
POINTS = "x;y\n" + "".join(f"{k}.5;{k * k}\n" for k in range(1, 30))


@pytest.fixture
def fitted(run, tmp_path):
    """Fit ``--lambda 0`` to a text and return what was said; the model is in ``model.json``."""

    def fit(text):
        (tmp_path / "train.csv").write_text(text, encoding="utf-8")
        done = run("fit", "train.csv", "--lambda", "0", "--save", "model.json", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["data"]["notes"], done.stderr

    return fit


def predicted(run, text):
    done = run("predict", "model.json", "-", input=text)
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()[1:]], done.stderr


def test_what_was_read_is_said_and_reads_the_same_in_new_rows(run, fitted):
    notes, stderr = fitted(TRAIN)
    told = [
        "column 'price': '$1.037' is read as 1.037 (with --decimal , as 1037)",
        "column 'rate': '1.5%' is read as 1.5",
    ]
    assert notes[:2] == told
    assert all(f"l2cli: note: {note}\n" in stderr for note in told)
    plain, _ = predicted(run, "rate,price\n7,2.5\n1000,3\n")
    signs, stderr = predicted(run, 'rate,price\n7%,$2.50\n"1,000%",$3\n')
    assert signs == plain
    assert "note: column 'rate': '1,000%' is read as 1000" in stderr


def test_a_file_without_a_decimal_mark_is_read_like_the_training_file(run, fitted):
    fitted(POINTS)
    found, stderr = predicted(run, "x;y\n1.037;1\n")
    assert found == predicted(run, "x\n1.037\n")[0]
    assert "note: numbers have decimal points (say otherwise with --decimal ,)" in stderr
    assert predicted(run, "x;y\n1.037,5;1\n")[0] == predicted(run, "x\n1037.5\n")[0]


def test_the_cell_that_does_not_fit_ends_with_status_3(run, fitted, tmp_path):
    fitted(TRAIN)
    (tmp_path / "new.csv").write_text("price;rate\n$1;5%\n$2;0.05\n", encoding="utf-8")
    done = run("predict", "model.json", "new.csv")
    assert done.returncode == 3
    assert done.stderr == (
        "l2cli: error: new.csv line 3: '0.05' in column 'rate' is not written as the others, such as '5%';"
        " the column 'rate' is used as numbers; mend the cell or name it with --na\n"
    )

"""Read-outs show what they are given, whatever it is."""

import pytest

from studyspot.console.output import camel_case, print_table


def test_what_stands_in_brackets_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "city"), [("Room [/x] One", "[red]Pune[/red]"), (None, 7)])
    shown, unknown = capsys.readouterr().out.splitlines()[1:]
    assert shown.rstrip() == "Room [/x] One  [red]Pune[/red]"
    assert unknown.split() == ["–", "7"]


def test_names_within_facts_are_renamed_down_to_the_columns_of_a_row_and_no_deeper() -> None:
    row = {"seat_id": "S1", "attributes": {"power_outlet": True}, "plans": [{"plan_id": "P"}]}
    assert camel_case({"sampled_keys": 1, "difference": {"table_name": "seats", "found": row}}) == {
        "sampledKeys": 1,
        "difference": {
            "tableName": "seats",
            "found": {"seatId": "S1", "attributes": {"power_outlet": True}, "plans": [{"plan_id": "P"}]},
        },
    }


def test_a_whole_column_is_not_broken_into_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("since", "reason"), [("2026-12-01 09:00:00", "word " * 30)], whole=("since",))
    assert capsys.readouterr().out.splitlines()[1].startswith("2026-12-01 09:00:00  word")

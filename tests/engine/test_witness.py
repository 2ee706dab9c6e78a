"""Reading Asterisk's records: what they say of a call, torn and rotated files, and a bound to the reading."""

import pytest

from engine.witness import BLOCK, Seen, look

T = 1_795_485_869


@pytest.fixture
def files(tmp_path):
    return tmp_path / "carillon.csv", tmp_path / "carillon-cel.csv"


def cdr(call_id, answer=0.0, end=T + 5):
    return f"{call_id},{T}.934102,{answer:f},{end:f},0,BUSY\n"


def cel(call_id, cause, at=T + 5):
    return f'{call_id},{at},HANGUP,"{{""hangupcause"":{cause},""hangupsource"":""PJSIP/trunk-3-00000003"",""dialstatus"":""""}}"\n'


def test_both_files_are_joined(files):
    files[0].write_text(cdr("0" * 18 + "7") + cdr(8, T + 1.5) + cdr("carillon-main-1.5"))
    files[1].write_text(cel("0" * 18 + "7", 17) + cel(8, 16) + cel(9, 34))
    assert look(files, [7, 8, 9, 10], T * 1000) == {
        7: Seen(None, (T + 5) * 1000, 17),
        8: Seen((T + 1) * 1000 + 500, (T + 5) * 1000, 16),
        9: Seen(None, (T + 5) * 1000, 34),
    }


def test_other_events_of_an_asterisk_that_tells_more_are_no_end(files):
    files[0].touch()
    files[1].write_text(f"7,{T},CHAN_START,\n" + cel(7, 17) + f"7,{T + 6},CHAN_END,\n8,{T},CHAN_START,\n")
    assert look(files, [7, 8], 0) == {7: Seen(None, (T + 5) * 1000, 17)}


def test_a_call_that_went_on_after_an_extension_did_not_take_it_has_two_rows(files):
    files[0].write_text(cdr(7, T + 1, T + 3) + cdr(7, T + 3, T + 6))
    files[1].touch()
    assert look(files, [7], T * 1000) == {7: Seen((T + 1) * 1000, (T + 6) * 1000)}


def test_missing_files_are_told_and_no_error(files, caplog):
    assert look(files, [7], 0) == {}
    assert "carillon.csv does not exist" in caplog.text


def test_a_torn_last_line_is_no_witness(files):
    files[0].write_text(cdr(7) + cdr(8)[:20])
    files[1].write_text(cel(7, 17) + cel(8, 17)[:30])
    assert set(look(files, [7, 8], 0)) == {7}


def test_the_rotated_file_is_read_too(files):
    files[0].write_text(cdr(8))
    files[0].with_name("carillon.csv.1").write_text(cdr(7))
    files[1].write_text("")
    assert set(look(files, [7, 8], 0)) == {7, 8}


def test_lines_across_blocks_are_whole(files):
    files[0].write_text("".join(cdr(n) for n in range(1, 4000)))
    files[1].write_text("")
    assert files[0].stat().st_size > 2 * BLOCK
    assert len(look(files, range(1, 4000), 0)) == 3999


def test_reading_ends_at_rows_that_are_too_old(files):
    files[0].write_text(cdr(7, end=T - 500) + cdr(8))
    files[1].write_text("")
    assert set(look(files, [7, 8], T * 1000)) == {8}


def test_rubbish_is_passed_over(files):
    files[0].write_text("a,b\n\n,,,,,\n" + cdr(7).replace("BUSY", "\x00"))
    files[1].write_text("7,now,HANGUP,not json\n7,now,HANGUP,[]\n")
    assert look(files, [7], 0) == {7: Seen(None, (T + 5) * 1000, None)}

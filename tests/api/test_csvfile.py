"""Files as people export them: a fault costs its own row and nothing else, and is named with its line."""

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import csvfile
from api.csvfile import Bad, NoTable, Row

HEADER = "phone,first_name,address\n"
GOOD = "+4930123400{},Ann{},Street {}\n"


def read(data: bytes | str, skip: int = 0) -> list[Row | Bad]:
    return list(csvfile.rows(io.BytesIO(data.encode() if isinstance(data, str) else data), skip))


def fields(data: bytes | str) -> list[dict[str, str]]:
    made = read(data)
    assert all(isinstance(row, Row) for row in made), made
    return [row.fields for row in made if isinstance(row, Row)]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("phone,first_name,last_name", ["phone", "first_name", "last_name"]),
        ("Last Name;First Name;PHONE", ["last_name", "first_name", "phone"]),
        ("Phone Number\tFirstName\tE-Mail", ["phone", "first_name", "email"]),
        ('"mobile"|"custom 1"|"notes"', ["phone", "custom1", "description"]),
        ("Telefonnummer;Vorname;Nachname", ["phone", "first_name", "last_name"]),
        (" phone , first_name , country ", ["phone", "first_name", "country"]),
        ("shoe size,colour,Telephone", [None, None, "phone"]),
        ("phone", ["phone"]),
        ("number,email", ["phone", "email"]),
    ],
)
def test_headers(header, names):
    separator = next((mark for mark in ";\t|" if mark in header), ",")
    cells = [f"+4930123{n}000" if name == "phone" else f"cell {n}" for n, name in enumerate(names)]
    expected = {name: cell for name, cell in zip(names, cells, strict=True) if name}
    assert fields(f"{header}\n{separator.join(cells)}\n") == [expected]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_without_header_the_columns_are_the_documented_ones(separator):
    cells = ["030 123456", "Ann", "Lee", "a@b.example", "Street 1", "one", "two", "three", "text"]
    assert fields(separator.join(cells)) == [dict(zip(csvfile.COLUMNS, cells, strict=True))]
    assert fields(separator.join([*cells, "more", "and more"])) == [dict(zip(csvfile.COLUMNS, cells, strict=True))]
    assert fields("+4930123456\n\n  \n+4930123457") == [{"phone": "+4930123456"}, {"phone": "+4930123457"}]


TEXT = "phone;first_name\r\n+4930123456;Jürgen Łukasz\r\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xff\xfe" + TEXT.encode("utf-16-le"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.replace("\r\n", "\n").encode(),
        TEXT.replace("\r\n", "\r").encode(),
        b"sep=;\r\n" + TEXT.encode(),
        b'"sep=;"\r\n' + TEXT.encode(),
        b"\r\n\n" + TEXT.encode() + b"\n;\n\r\n",
    ],
)
def test_encodings_and_line_ends(data):
    assert fields(data) == [{"phone": "+4930123456", "first_name": "Jürgen Łukasz"}]


def test_cp1252_and_a_file_put_together_from_two():
    old, new = "+4930123456,Jürgen “J” Weiß\n".encode("cp1252"), "+4930123457,Łukasz\n".encode()
    ascii_rows = b"".join(GOOD.format(n, n, n).encode() for n in range(10)) * 50  # longer than what is looked at first
    assert [row["first_name"] for row in fields(ascii_rows + old + new)[-2:]] == ["Jürgen “J” Weiß", "Łukasz"]


def test_quoted_cells():
    text = '+4930123456,"Lee, Ann","5"" disk",a"b\n"+4930123457","Street 1\nBerlin, 2nd floor",""\n'
    assert fields(text) == [
        {"phone": "+4930123456", "first_name": "Lee, Ann", "last_name": '5" disk', "email": 'a"b'},
        {"phone": "+4930123457", "first_name": "Street 1\nBerlin, 2nd floor"},
    ]


FAULTS = [
    ("+4930123456,An\0n\n", "holds a NUL character; save the file as UTF-8"),
    ("+4930123456,Ann,Street,too,much\n", "has 5 cells, the header 3; a cell that holds the separator has to stand in quotes"),
    (f"+4930123456,{'x' * 81}\n", "first_name is longer than 80 characters"),
    (f"+4930123456,Ann,{'x' * 201}\n", "address is longer than 200 characters"),
    (f"+4930123456,{'x' * 300_000}\n", "is longer than 20000 characters"),
    (",Ann,Street\n", "phone is missing"),
    ('+4930123456,"Ann,Street\n', "a quote is opened and never closed"),
    ('"+4930123456,Ann,Street\n', "a quote is opened and never closed"),
    ('+4930123456,"Ann" Lee,Street\n', "text follows a closing quote; a quote within quotes is doubled"),
    ('+4930123456,"Ann\n', "a quote is opened and never closed"),
    (b"+4930123456,\x81\n", "holds bytes that are no text; save the file as UTF-8"),
]


@pytest.mark.parametrize(("fault", "reason"), FAULTS, ids=[reason[:30] for _, reason in FAULTS])
@pytest.mark.parametrize("follow", ["good", "quoted", "faulty"])
def test_a_fault_costs_its_own_row_only(fault, reason, follow):
    fault = fault if isinstance(fault, bytes) else fault.encode()
    before = HEADER.encode() + b"".join(GOOD.format(n, n, n).encode() for n in range(3))
    last = {"good": GOOD.format(9, 9, 9).encode(), "quoted": b'"+49301234009","Ann9","Street 9"\n', "faulty": fault}[follow]
    made = read(before + fault + last + GOOD.format(9, 9, 9).encode())
    assert [row.line for row in made] == [2, 3, 4, 5, 6, 7]
    assert made[3] == Bad(5, reason)
    assert made[4] == (
        Bad(6, reason) if follow == "faulty" else Row(6, {"phone": "+49301234009", "first_name": "Ann9", "address": "Street 9"})
    )
    assert isinstance(made[5], Row)


def test_an_opened_quote_swallows_no_rows_however_many_follow():
    made = read(HEADER + '+49301230000,"Ann\n' + "".join(GOOD.format(n % 10, n, n) for n in range(1000)))
    assert made[0] == Bad(2, "a quote is opened and never closed")
    assert len(made) == 1001
    assert all(isinstance(row, Row) for row in made[1:])
    assert [row.line for row in made] == list(range(2, 1003))


def test_every_other_row_opens_a_quote():
    made = read(HEADER + "".join('+49301230000,"Ann,x\n' + GOOD.format(1, n, n) for n in range(500)))
    assert [type(row) for row in made] == [Bad, Row] * 500


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\r\n \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"PK\x03\x04" + bytes(100), "a spreadsheet or an archive; save it as CSV"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "a spreadsheet; save it as CSV"),
        (b"first name,last name\nAnn,Lee\n", "has a header without a phone column; call one `phone`"),
    ],
)
def test_what_is_no_table(data, says):
    with pytest.raises(NoTable, match=says):
        csvfile.rows(io.BytesIO(data))


def test_a_header_alone_is_a_table_without_rows():
    assert read(HEADER) == []


def test_of_two_numbers_the_one_of_that_name_counts_and_an_empty_one_is_replaced():
    text = "mobile,phone,name\n+491701234567,+4930123456,Ann\n+491701234567,,Bea\n"
    assert [row["phone"] for row in fields(text)] == ["+4930123456", "+491701234567"]


def test_the_file_stays_open():
    stream = io.BytesIO(HEADER.encode())
    list(csvfile.rows(stream))
    assert not stream.closed


@given(
    st.lists(st.sampled_from([GOOD.format(1, 1, 1), *(fault for fault, _ in FAULTS if isinstance(fault, str)), "\n", "x\n"]), max_size=12)
)
def test_taken_up_again_anywhere_it_goes_on_alike(lines):
    text = HEADER + "".join(lines)
    whole = read(text)
    for skip in range(len(whole) + 1):
        assert read(text, skip) == whole[skip:]


@given(st.binary(max_size=400))
def test_no_bytes_break_it(data):
    try:
        made = read(data)
    except NoTable:
        return
    assert [row.line for row in made] == sorted({row.line for row in made})
    assert len(made) <= data.count(b"\n") + data.count(b"\r") + 1
    assert all(row.fields["phone"] if isinstance(row, Row) else row.reason for row in made)


def test_a_line_of_blanks_behind_an_open_quote_costs_no_time():
    began = time.process_time()
    rows = read('+4930123456,a\n"x,a\n' + f"0{' ' * 19_000}x,a\n" * 2)
    assert [row.line for row in rows] == [1, 2, 3, 4]
    assert time.process_time() - began < 1

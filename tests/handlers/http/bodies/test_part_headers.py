"""Field names and encodings of multipart parts, as clients write them."""

import pytest

from server.handlers.http.bodies.part_headers import decode_text, field_name


@pytest.mark.parametrize(
    "disposition",
    [
        'form-data; name="images"; filename="a.jpg"',
        "form-data; name=images; filename=a.jpg",
        "form-data; name=images; filename=my holiday.jpg",
        'form-data; filename="a; name=\\"x\\".jpg"; name="images"',
        'form-data;name="images";filename="";',
        "form-data; filename*=UTF-8''%e2%82%ac.jpg; name=images",
        'form-data; filename="f\udcc3\udca9.jpg"; name="images"',
        'Form-Data; NAME="images"',
        "form-data; name*=UTF-8''images",
    ],
)
def test_field_is_found_whatever_the_file_name(disposition: str) -> None:
    assert field_name(disposition) == "images"


@pytest.mark.parametrize("disposition", ["", "form-data", "form-data; filename=a.jpg", "form-data; name"])
def test_missing_name_is_empty(disposition: str) -> None:
    assert field_name(disposition) == ""


def test_texts_are_decoded_in_their_encoding() -> None:
    assert decode_text("Füße".encode("latin-1"), "ISO-8859-1") == "Füße"
    assert decode_text("写真".encode("shift_jis"), "Shift_JIS") == "写真"
    assert decode_text("Füße".encode("utf-16"), "UTF-16") == "Füße"
    for content, charset, problem in (
        (b"\xff", "utf-8", "Must be UTF-8."),
        (b"\xff", "euc-jp", "Is not valid euc_jp."),
        (b"a", "punycode", "Unknown character encoding 'punycode': use UTF-8."),
        (b"a", "a\x00", "Unknown character encoding"),
    ):
        with pytest.raises(ValueError, match=problem):
            decode_text(content, charset)

"""Website addresses: http(s) URLs of public hosts, in one form."""

import pytest

from server.websites import normalize_website


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("https://ana.test", "https://ana.test"),
        ("HTTPS://Ana.Test:443/A?b=c#d", "https://ana.test/A?b=c#d"),
        ("http://ana.test:80/", "http://ana.test/"),
        ("http://ana.test:8080", "http://ana.test:8080"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://xn--strae-oqa.example/", "https://xn--strae-oqa.example/"),
        ("https://例え.テスト/写真", "https://xn--r8jz45g.xn--zckzah/写真"),
        ("https://ana.test/it's?a='b'", "https://ana.test/it%27s?a=%27b%27"),
        ("http://ana.test./", "http://ana.test/"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:4700::1111]:8080/x", "http://[2606:4700::1111]:8080/x"),
        ("https://ana.test/%zz", "https://ana.test/%zz"),
    ],
)
def test_website_is_stored_normalized(typed: str, stored: str) -> None:
    assert normalize_website(typed) == stored
    assert normalize_website(stored) == stored


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("ana.test", "http://"),
        ("ftp://ana.test", "http://"),
        ("javascript:alert(1)", "http://"),
        ("https:ana.test", "http://"),
        ("https://", "http://"),
        ("https:///path", "http://"),
        ('http://x.test/"onmouseover=alert(1)', "quotes"),
        ("http://x.test/<b>", "angle brackets"),
        ("http://x.test\\@evil.test", "quotes"),
        ("http://x.test/a b", "spaces"),
        ("http://x.test/\ta", "spaces"),
        ("http://x.test/\r\nx: y", "spaces"),
        ("http://x.test/\x00", "invisible"),
        ("https://\u202etset.live", "invisible"),
        ("https://x.test/\u200b", "invisible"),
        ("https://x.test/\u3164", "invisible"),
        ("http://x@evil.test", "user name"),
        ("http://user:pw@evil.test", "user name"),
        ("http://@evil.test", "user name"),
        ("http://x＠evil.test", "Not a valid"),
        ("http://169.254.169.254/", "public"),
        ("http://127.0.0.1:3000", "public"),
        ("http://10.1.2.3", "public"),
        ("http://224.0.0.1", "public"),
        ("http://[::1]/", "public"),
        ("http://[::ffff:127.0.0.1]/", "public"),
        ("http://[fe80::1%25eth0]/", "percent-encoded"),
        ("http://2130706433/", "dot"),
        ("http://0x7f.1/", "IP address"),
        ("http://１２７.0.0.1/", "IP address"),
        ("http://127.1/", "IP address"),
        ("http://localhost/", "dot"),
        ("http://app.localhost", "public"),
        ("http://printer.local", "public"),
        ("http://db.internal", "public"),
        ("http://a%2eb.test", "percent-encoded"),
        ("http://exa_mple.test", "spelling"),
        ("http://-a.test", "spelling"),
        ("http://x.test:99999/", "port"),
        ("http://x.test:a/", "port"),
        ("http://[x/", "host"),
    ],
)
def test_rejected_website_has_a_reason(typed: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        normalize_website(typed)

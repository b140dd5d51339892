"""Asterisk's two argument splitters as its source does them, to prove that what we quote comes back whole."""


def agi_words(line: str) -> list[str]:
    """res_agi.c parse_args: words of an AGI command; quotes group, a backslash takes the next character."""
    words: list[str] = []
    quoted = escaped = False
    between = True
    for char in line:
        if char == '"' and not escaped:
            quoted = not quoted
            if quoted and between:
                words.append("")
                between = False
        elif char in " \t" and not quoted and not escaped:
            between = True
        elif char == "\\" and not escaped:
            escaped = True
        else:
            if between:
                words.append("")
                between = False
            words[-1] += char
            escaped = False
    return words


def app_arguments(text: str) -> list[str]:
    """app.c __ast_app_separate_args with delimiter ',' and removal of quotes and backslashes."""
    arguments = [""]
    paren = bracket = 0
    quote = False
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
            arguments[-1] += text[position : position + 1]
        elif char == '"':
            quote = not quote
        elif char == "," and not (paren or bracket or quote):
            arguments.append("")
        else:
            paren = max(0, paren + (char == "(") - (char == ")"))
            bracket = max(0, bracket + (char == "[") - (char == "]"))
            arguments[-1] += char
        position += 1
    return arguments


def variables(text: str) -> dict[str, str]:
    """What MSet and an Originate's ``Variable:`` line make of ``A=1,B=2``."""
    return dict(argument.partition("=")[::2] for argument in app_arguments(text))

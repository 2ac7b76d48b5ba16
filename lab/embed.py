#!/usr/bin/env python3
"""Writes the files that are built into cristo-lab as C arrays (lab/builtin.h).

    embed.py OUT.c PAGE.html STYLE.css CHARTLIB.js SCRIPT.js... PLAN.json...
"""
import os
import sys


def rows(data):
    data += b"\0"
    for at in range(0, len(data), 20):
        yield "    " + ",".join(str(byte) for byte in data[at:at + 20]) + ","


def array(name, data):
    return "static const unsigned char %s[] = {\n%s\n};\n" % (name, "\n".join(rows(data)))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def page(template, style, scripts):
    """The page whole, except for the bundle; nothing in it is fetched from elsewhere."""
    for script in scripts:
        if b"</script" in script:
            sys.exit("embed.py: a script holds </script")
    html = template.replace(b"@style@", style)
    return html.replace(b"@script@", b"\n</script>\n<script>\n".join(scripts))


def main(out, *inputs):
    kinds = {ext: [path for path in inputs if path.endswith(ext)]
             for ext in (".html", ".css", ".js", ".json")}
    html = page(read(kinds[".html"][0]), read(kinds[".css"][0]),
                [read(path) for path in kinds[".js"]])
    names = [os.path.basename(path)[:-len(".json")] for path in kinds[".json"]]

    text = ["/* Written by lab/embed.py. */", '#include "lab/builtin.h"', ""]
    for index, path in enumerate(kinds[".json"]):
        text.append(array("plan_%d" % index, read(path)))
    text.append("const struct builtin builtin_plans[] = {")
    for index, name in enumerate(names):
        text.append('    {"%s", (const char *)plan_%d, sizeof plan_%d - 1},' % (name, index, index))
    text.append("};")
    text.append("const size_t builtin_plans_count = %d;\n" % len(names))
    text.append(array("page", html))
    text.append('const struct builtin builtin_page = {"page", (const char *)page, sizeof page - 1};')
    with open(out, "w", encoding="ascii") as file:
        file.write("\n".join(text) + "\n")


main(*sys.argv[1:])

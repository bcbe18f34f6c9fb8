"""Turns the migrations into a C table: embed.py OUT.c 001_x.sql 002_y.sql ... (number = place)."""
import os
import sys

out, *files = sys.argv[1:]
with open(out, "w", encoding="ascii") as c:
    c.write('#include "store/schema.h"\n\n')
    c.write("const char *const store_migrations[] = {\n")
    for place, name in enumerate(files, start=1):
        number = int(os.path.basename(name).split("_")[0])
        assert number == place, f"{name}: expected number {place}"
        with open(name, encoding="utf-8") as sql:
            for line in sql:
                text = line.split("--")[0].rstrip()
                if text:
                    c.write('    "' + text.replace("\\", "\\\\").replace('"', '\\"') + '\\n"\n')
        c.write("    ,\n")
    c.write("};\n\n")
    c.write(f"const int store_schema_newest = {len(files)};\n")

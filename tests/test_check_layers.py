#!/usr/bin/env python3
"""Each rule of check-layers.py refuses what breaks it, in a small tree that is built for that.

usage: test_check_layers.py [COMPILER...]
"""

import contextlib
import importlib.util
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
COMPILER = sys.argv[1:] or ["cc"]

# A tree that keeps all rules: front/core is below front/pass, and both are below front.
GOOD = {
    "base/text.h": "#pragma once\nint text_count(int n);\nextern const int text_max[2];\n",
    "base/text.c": '#include "base/text.h"\n'
    "const int text_max[2] = { 1, 2 };\nint text_count(int n) { return n; }\n",
    "base/least.h": "#pragma once\n"
    "static inline int least(int a, int b)\n{\n\treturn a < b ? a : b;\n}\n",
    "front/core/accept.h": "#pragma once\n"
    "typedef int accept_fn(int fd);\n"
    "#define ACCEPT_TWICE(x) ((x) * 2)\n"
    "struct accept {\n\tint (*on_client)(int fd);\n};\n"
    "/* Not declared: int pass_client(int fd); */\n"
    "int accept_client(const struct accept *accept, int fd)\n"
    "\t__attribute__((__nonnull__(1)));\n",
    "front/core/accept.c": '#include "front/core/accept.h"\n#include "base/text.h"\n'
    "int accept_client(const struct accept *accept, int fd)\n"
    "{\n\treturn accept->on_client(text_count(fd));\n}\n",
    "front/pass/pass.h": "#pragma once\nint pass_client(int fd);\n",
    "front/pass/pass.c": '#include "front/pass/pass.h"\n#include "front/core/accept.h"\n'
    "static int take(int fd) { return fd; }\n"
    "int pass_client(int fd)\n"
    "{\n\tconst struct accept accept = { .on_client = take };\n\n"
    "\treturn accept_client(&accept, fd);\n}\n",
    "front/front.h": '#pragma once\n#include "front/core/accept.h"\n'
    "struct front {\n\tstruct accept accept;\n};\nint front_run(struct front *front);\n",
    "front/front.c": '#include "front/front.h"\n#include "front/commands.h"\n'
    '#include "front/pass/pass.h"\n'
    "int front_run(struct front *front)\n"
    "{\n\tfront->accept.on_client = pass_client;\n\treturn commands_obey(front);\n}\n",
    "front/commands.h": "#pragma once\nstruct front;\nint commands_obey(struct front *front);\n",
    "front/commands.c": '#include "front/commands.h"\n#include "front/front.h"\n'
    "int commands_obey(struct front *front) { return front->accept.on_client(0); }\n",
    "main.c": '#include "front/front.h"\n'
    "int main(void) { struct front front; return front_run(&front); }\n",
}


def load_checker():
    spec = importlib.util.spec_from_file_location("check_layers", HERE / "check-layers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.KNOWN = {}
    return module


OBJECTS = {}


def compiled(root, path):
    """What most trees have in common is compiled once."""
    key = path.relative_to(root), path.read_text()
    if key not in OBJECTS:
        out = root / "out.o"
        command = [*COMPILER, "-c", "-I", str(root / "src"), "-o", str(out), str(path)]
        subprocess.run(command, check=True)
        OBJECTS[key] = out.read_bytes()
    return OBJECTS[key]


class Layers(unittest.TestCase):
    def setUp(self):
        self.checker = load_checker()

    def check(self, changes, *options):
        """Returns what the checker says about the good tree with those changes."""
        said = io.StringIO()
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            objects = root / "build/src/libsuperd.a.p"
            objects.mkdir(parents=True)
            for file, text in {**GOOD, **changes}.items():
                if text is None:
                    continue
                path = root / "src" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            for path in sorted((root / "src").rglob("*.c")):
                file = str(path.relative_to(root / "src"))
                if "not built" in path.read_text():
                    continue
                (objects / (file.replace("/", "_") + ".o")).write_bytes(compiled(root, path))
            with contextlib.redirect_stdout(said):
                self.failed = self.checker.main([*options, name, str(root / "build"), *COMPILER])
        return said.getvalue()

    def refuses(self, changes, *expected):
        said = self.check(changes)
        for text in expected:
            self.assertIn(text, said)
        self.assertEqual(self.failed, 1)
        return said

    def test_nothing_is_wrong_with_the_good_tree(self):
        self.assertEqual(self.check({}), "")
        self.assertEqual(self.failed, 0)

    def test_include_of_a_layer_above_is_refused(self):
        text = '#include "base/text.h"\n#include "front/front.h"\n' + GOOD["base/text.c"]
        expected = "src/base/text.c:2: includes 'front/front.h', which is above it"
        self.refuses({"base/text.c": text}, expected)

    def test_include_of_a_subfolder_above_is_refused(self):
        text = GOOD["front/core/accept.c"] + '#include "front/pass/pass.h"\n'
        said = self.refuses({"front/core/accept.c": text})
        self.assertIn("src/front/core/accept.c:7: includes 'front/pass/pass.h'", said)

    def test_include_of_the_folder_by_its_subfolder_is_refused(self):
        text = GOOD["front/pass/pass.c"] + '#include "front/front.h"\n'
        expected = "includes 'front/front.h', which is above it"
        self.refuses({"front/pass/pass.c": text}, expected)

    def test_call_of_a_subfolder_above_is_refused(self):
        text = (
            '#include "front/core/accept.h"\nint pass_client(int fd);\n'
            "/* pass_client() */\n"
            "int accept_client(const struct accept *accept, int fd)\n"
            "{\n\treturn pass_client(fd);\n}\n"
        )
        self.refuses(
            {"front/core/accept.c": text},
            "src/front/core/accept.c:2: names pass_client of src/front/pass/pass.c, which is above",
        )

    def test_function_above_that_is_only_named_is_refused(self):
        text = GOOD["base/text.c"] + "int front_run(void *);\nint (*run)(void *) = front_run;\n"
        expected = "names front_run of src/front/front.c, which is above it"
        self.refuses({"base/text.c": text}, expected)

    def test_circle_of_names_within_a_folder_is_refused(self):
        self.refuses(
            {
                "base/a.h": "#pragma once\nint a_do(int n);\n",
                "base/a.c": "int b_do(int n);\nint a_do(int n) { return b_do(n); }\n",
                "base/b.h": "#pragma once\nint b_do(int n);\n",
                "base/b.c": "int c_do(int n);\nint b_do(int n) { return c_do(n); }\n",
                "base/c.h": "#pragma once\nint c_do(int n);\n",
                "base/c.c": "int a_do(int n);\nint c_do(int n) { return a_do(n); }\n",
            },
            "src/base: 3 modules in a circle of names: base/a, base/b, base/c\n"
            "  base/a -> base/b: src/base/a.c:1 names b_do\n"
            "  base/b -> base/c: src/base/b.c:1 names c_do\n"
            "  base/c -> base/a: src/base/c.c:1 names a_do\n",
        )

    def test_table_of_functions_closes_a_circle_too(self):
        said = self.refuses(
            {
                "base/a.h": "#pragma once\nint a_do(int n);\n",
                "base/a.c": "extern int (*const b_table[])(int);\n"
                "int a_do(int n) { return b_table[n](n); }\n",
                "base/b.h": "#pragma once\nextern int (*const b_table[])(int);\n",
                "base/b.c": "int a_do(int n);\nint (*const b_table[])(int) = { a_do };\n",
            },
            "2 modules in a circle of names: base/a, base/b",
        )
        self.assertNotIn("nobody defines", said)

    def test_circle_of_includes_within_a_folder_is_refused(self):
        self.refuses(
            {
                "front/core/a.h": '#pragma once\n#include "front/core/b.h"\n',
                "front/core/b.h": '#pragma once\n#include "front/core/a.h"\n',
            },
            "src/front: 2 modules in a circle of includes: front/core/a, front/core/b\n",
        )

    def test_source_that_includes_the_header_of_its_user_is_refused(self):
        self.refuses(
            {
                "base/least.h": '#pragma once\n#include "base/text.h"\n',
                "base/text.c": GOOD["base/text.c"] + '#include "base/least.h"\n',
            },
            "circle of includes: base/least, base/text\n",
        )

    def test_function_in_a_header_of_another_source_is_refused(self):
        said = self.refuses(
            {"base/least.h": "#pragma once\n\n/* Counts. */\nint\ntext_count(int n);\n"},
            "src/base/least.h:5: text_count is defined in src/base/text.c: declare it",
        )
        self.assertEqual(said.count("\n"), 1)

    def test_table_in_a_header_of_another_source_is_refused(self):
        self.refuses(
            {"base/least.h": "#pragma once\nextern const int text_max[2];\n"},
            "src/base/least.h:2: text_max is defined in src/base/text.c",
        )

    def test_function_that_nobody_defines_is_refused(self):
        self.refuses(
            {"base/least.h": "#pragma once\nint least(int a, int b);\n"},
            "src/base/least.h:2: nobody defines least",
        )

    def test_source_in_place_of_another_uses_its_header(self):
        none = 'int text_count(int n) { return 0; }\nconst int text_max[2] = { 0 };\n'
        changes = {"base/text-none.c": none, "base/text.c": "/* not built */\n"}
        self.assertEqual(self.check(changes), "")

    def test_source_that_is_not_built_is_refused(self):
        self.refuses(
            {"base/more.c": "/* not built */\n"}, "src/base/more.c: the build has no object of it"
        )

    def test_long_file_is_refused(self):
        self.check({"base/least.h": "#pragma once\n" + "\n" * 449})
        self.assertEqual(self.failed, 0)
        self.refuses({"base/least.h": "#pragma once\n" + "\n" * 450}, "src/base/least.h: 451 lines")

    def test_folder_without_a_place_is_refused(self):
        self.refuses({"magic/a.h": "#pragma once\n"}, "src/magic/a.h: 'magic' is no layer")
        self.refuses({"base/x/a.h": "#pragma once\n"}, "'src/base/x' has no place in SUBFOLDERS")
        self.refuses({"front/x/a.h": "#pragma once\n"}, "'src/front/x' has no place in SUBFOLDERS")

    def test_include_that_does_not_say_its_layer_is_refused(self):
        text = '#include "text.h"\n' + GOOD["base/text.c"]
        changes = {"base/text.c": text}
        self.refuses(changes, "src/base/text.c:1: there is no 'src/text.h'")

    def test_header_is_refused_that_lacks_its_pragma_or_an_include(self):
        first = "struct least;\n"
        self.refuses({"base/least.h": first}, "src/base/least.h:1: a header begins with")
        alone = "#pragma once\nstatic inline int least(size_t n) { return 0; }\n"
        self.refuses({"base/least.h": alone}, "src/base/least.h: does not compile alone")

    def test_only_the_configuration_includes_libconfuse(self):
        header = "#pragma once\n#ifdef NEVER\n#include <confuse.h>\n#endif\n"
        said = self.check({"front/core/x.h": header})
        self.assertIn("src/front/core/x.h:3: only src/config includes <confuse.h>", said)

    def test_what_is_known_is_not_refused_until_it_is_mended(self):
        self.checker.KNOWN = {"base": ["declares"]}
        wrong = {"base/least.h": "#pragma once\nint text_count(int n);\n"}
        self.assertEqual(self.check(wrong), "")
        self.refuses({}, "src/base keeps the rule 'declares' now: remove it from KNOWN")

    def test_graph_has_users_above_what_they_use(self):
        lines = self.check({}, "--graph").splitlines()
        self.assertEqual(
            [line for line in lines if line.startswith("front")],
            [
                "front/front  -> commands, pass/pass, (core/accept)",
                "front/commands",
                "front/pass/pass  -> core/accept",
                "front/core/accept",
            ],
        )


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

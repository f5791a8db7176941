"""tests/CONFORMANCE.md is what the tables say, the tests that they name exist, and a mistake in a table is found."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # nothing beside the sources
# pylint: disable=wrong-import-position
import conformance
import model


def problems_of(*rows):
    found = conformance.problems([model.part("2.1 Late packets", "", *rows)], {"Suite.L1_Name", "Suite.Name"})
    return [problem for problem in found if "missing" not in problem]


class Conformance(unittest.TestCase):
    def test_every_row_has_its_tests_or_a_reason(self):
        self.assertEqual(list(conformance.problems(conformance.PARTS, conformance.tests_in(conformance.TESTS))), [])

    def test_the_document_is_what_the_tables_say(self):
        self.assertTrue(conformance.is_current(conformance.DOCUMENT, conformance.PARTS), conformance.OUT_OF_DATE)

    def test_a_test_that_does_not_exist_is_named(self):
        self.assertEqual(problems_of(("L1", "something", model.holds("Suite.L1_Name", "Suite.Nmae"))),
                         ["2.1 Late packets: L1: there is no test Suite.Nmae"])

    def test_a_row_without_test_or_reason_is_refused(self):
        self.assertIn("2.1 Late packets: L1: it holds, and no test says so",
                      problems_of(("L1", "something", model.holds())))
        self.assertEqual(len(problems_of(("L1", "something", model.departs("", "Suite.Name")))), 1)
        self.assertEqual(len(problems_of(("L1", "something", model.lacks("")))), 1)
        self.assertEqual(problems_of(("L1", "something", model.lacks("a reason"))), [])

    def test_a_row_that_is_left_out_is_named(self):
        without = [part for part in conformance.PARTS if not part.title.startswith("3.1 ")]
        found = list(conformance.problems(without, conformance.tests_in(conformance.TESTS)))
        self.assertEqual(len(found), len(conformance.REQUIRED["3.1 "]))
        self.assertIn("3.1 : Mapping is missing", found)

    def test_a_row_has_a_test_of_its_name(self):
        self.assertEqual(problems_of(("L1", "something", model.holds("Suite.Name"))),
                         ["2.1 Late packets: L1: no test is named after it: L1"])
        row = model.part("3.2 Fragments", "", ("MSS clamping", "on", model.holds("Suite.Name"))).rows[0]
        self.assertEqual(conformance.short_name(row), "MssClamping")

    def test_a_row_stands_there_once(self):
        row = ("L1", "something", model.holds("Suite.L1_Name"))
        self.assertEqual(problems_of(row, row), ["2.1 Late packets: L1 stands there twice"])

    def test_a_changed_word_puts_the_document_out_of_date(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "CONFORMANCE.md"
            self.assertFalse(conformance.is_current(path, conformance.PARTS))
            path.write_text(conformance.document(conformance.PARTS), encoding="utf-8")
            self.assertTrue(conformance.is_current(path, conformance.PARTS))
            self.assertFalse(conformance.is_current(path, conformance.PARTS[1:]))

    def test_only_tests_that_are_built_count(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "some_test.cc"
            source.write_text("TEST(Some, Thing) {}\nTEST_F(Some,\n       Other) {}\nTEST(Some, DISABLED_Third) {}\n",
                              encoding="utf-8")
            self.assertEqual(conformance.tests_in(pathlib.Path(folder)), set())
            (pathlib.Path(folder) / "meson.build").write_text("executable('x', 'some_test.cc')\n", encoding="utf-8")
            self.assertEqual(conformance.tests_in(pathlib.Path(folder)), {"Some.Thing", "Some.Other"})


if __name__ == "__main__":
    unittest.main()

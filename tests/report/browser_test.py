"""The reports in a real browser: the ladder is there, no text lies over another, the console has nothing to say.

Usage: browser_test.py LAPSE FOLDER. Leaves pictures in FOLDER. Exits 77, which Meson takes for skipped, without Chromium.
"""
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True  # nothing beside the sources
import browser  # pylint: disable=wrong-import-position

LAPSE, FOLDER = sys.argv[1], sys.argv[2]
STORIES = ("S0.1", "S0.2", "S0.11", "S1.4", "S0.8", "S1.1")

# Texts of one drawing that share more than half a pixel, and texts that reach out of it.
OVERLAPS = """
(() => {
  const found = [];
  for (const svg of document.querySelectorAll('svg')) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
    texts.forEach(([words, box], at) => {
      if (box.left < frame.left || box.right > frame.right || box.bottom > frame.bottom) found.push(words + ' | the edge');
      for (const [other, its] of texts.slice(at + 1)) {
        const across = Math.min(box.right, its.right) - Math.max(box.left, its.left);
        const down = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
        if (across > 0.5 && down > 0.5) found.push(words + ' | ' + other);
      }
    });
  }
  return found;
})()
"""


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = browser.Browser(browser.find())

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def lapse(self, *words, command="sim"):
        done = subprocess.run([LAPSE, command, *words], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def file(self, name):
        return os.path.join(FOLDER, name)

    def shown(self, name, width, dark=False):
        """Opens a report and checks what holds for each of them."""
        self.browser.open(self.file(name), width, 900, dark)
        self.assertEqual(self.browser.evaluate(OVERLAPS), [])
        self.assertEqual(self.browser.complaints(), [])
        picture = self.file(f"{name}-{width}{'-dark' if dark else ''}.png")
        self.browser.picture(picture)
        self.assertGreater(os.path.getsize(picture), 10_000)

    def value(self, expression):
        return self.browser.evaluate(expression)

    def test_each_ladder_alone(self):
        for story in STORIES:
            with self.subTest(story):
                self.lapse(story, "--svg", self.file(story + ".svg"))
                self.shown(story + ".svg", 900)
                self.assertEqual(self.value("document.documentElement.getAttribute('role')"), "img")
                self.assertGreater(self.value("document.querySelectorAll('.packet').length"), 3)
                self.assertGreater(self.value("document.querySelectorAll('.life line').length"), 2)

    def test_the_page_on_a_desk_a_phone_and_in_the_dark(self):
        self.lapse("S0.1", "--html", self.file("one.html"))
        colours = []
        for width, dark in ((1440, False), (1440, True), (390, False)):
            with self.subTest(f"{width} {'dark' if dark else 'light'}"):
                self.shown("one.html", width, dark)
                self.assertGreater(self.value("document.querySelector('svg.ladder').getBoundingClientRect().width"), 300)
                self.assertEqual(self.value("document.querySelectorAll('svg.ladder .forgets').length"), 1)
                self.assertLessEqual(self.value("document.documentElement.scrollWidth"), width)
                colours.append(self.value("getComputedStyle(document.querySelector('svg.ladder > rect')).fill"))
        self.assertNotEqual(colours[0], colours[1])

    def test_two_runs_stand_side_by_side(self):
        self.lapse("S0.1", "--beside", "steps.0.keepalive.time=60s", "--html", self.file("two.html"))
        self.shown("two.html", 1440)
        lefts = self.value("[...document.querySelectorAll('.run')].map(run => run.getBoundingClientRect().left)")
        tops = self.value("[...document.querySelectorAll('.run')].map(run => run.getBoundingClientRect().top)")
        self.assertEqual(len(lefts), 2)
        self.assertGreater(lefts[1], lefts[0] + 400)
        self.assertEqual(tops[0], tops[1])
        self.shown("two.html", 700)
        tops = self.value("[...document.querySelectorAll('.run')].map(run => run.getBoundingClientRect().top)")
        self.assertGreater(tops[1], tops[0])

    def test_a_heat_map_on_a_desk_a_phone_and_in_the_dark(self):
        self.lapse("S1.1", "--vary", "keepalive=off,60s..600s/30s", "--vary", "idle=60s..900s/30s",
                   "--html", self.file("map.html"), "--svg", self.file("map.svg"), command="sweep")
        fills = "[...new Set([...document.querySelectorAll('svg .cell rect')].map(cell => getComputedStyle(cell).fill))]"
        colours = []
        for width, dark in ((1440, False), (1440, True), (390, False)):
            with self.subTest(f"{width} {'dark' if dark else 'light'}"):
                self.shown("map.html", width, dark)
                self.assertGreater(self.value("document.querySelector('svg.heat').getBoundingClientRect().width"), 300)
                self.assertEqual(self.value("document.querySelectorAll('svg.heat .cell').length"), 580)
                self.assertEqual(self.value("document.querySelectorAll('details tbody tr').length"), 580)
                self.assertLessEqual(self.value("document.documentElement.scrollWidth"), width)
                colours.append(self.value(fills))
                self.assertEqual(len(colours[-1]), 3)  # survives, reset, hangs
        self.assertEqual(set(colours[0]) & set(colours[1]), set())
        self.shown("map.svg", 1100)
        self.assertEqual(self.value("document.documentElement.getAttribute('role')"), "img")

    def test_large_small_and_crowded_heat_maps(self):
        for name, story, *vary in (("small", "S0.1", "idle=349s,351s"),
                                   ("row", "S1.4", "idle=1s..400s/1s"),
                                   ("crowded", "S0.1", "timeout=10s..1000s/10s", "idle=5s..500s/5s"),
                                   ("pool", "pool-stale", "keepalive=off,60s,350s,360s", "idle=300s..400s/10s")):
            with self.subTest(name):
                options = [word for one in vary for word in ("--vary", one)]
                self.lapse(story, *options, "--html", self.file(name + ".html"), command="sweep")
                self.shown(name + ".html", 1200)

    def test_an_overlap_would_be_found(self):
        with open(self.file("overlap.svg"), "w", encoding="utf-8") as file:
            file.write('<svg xmlns="http://www.w3.org/2000/svg" width="200" height="50">'
                       '<text x="5" y="20">one</text><text x="9" y="22">two</text></svg>')
        self.browser.open(self.file("overlap.svg"), 300, 200)
        self.assertEqual(self.browser.evaluate(OVERLAPS), ["one | two"])


if __name__ == "__main__":
    if browser.find() is None:
        print("skipped: no Chromium on this machine (Debian: apt-get install chromium)")
        sys.exit(77)
    os.makedirs(FOLDER, exist_ok=True)
    unittest.main(argv=sys.argv[:1])

"""Hands that have a keyboard and no mouse: Tab, Shift+Tab, Enter, Space, arrows and letters.

After each key it is looked at what is focused: it must be seen, inside the window, and stand behind
what was focused before, so that nobody searches for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from playwright.sync_api import Error, FileChooser, Page

from earlywarning.io import wording

MOST_STOPS = 150

DESCRIBE = """
const described = one => {
  const spoken = node => {
    const bare = node.cloneNode(true);
    bare.querySelectorAll("[aria-hidden=true], select, textarea").forEach(part => part.remove());
    return bare.textContent.replace(/\\s+/g, " ").trim();
  };
  const label = part => part.getAttribute("aria-label")
    ?? (part.labels?.length ? [...part.labels].map(spoken).join(" ") : spoken(part));
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const group = one.type === "radio"
    ? [...document.getElementsByName(one.name)].filter(part => part.form === one.form) : [];
  return {
    tag: one.localName, kind: one.type ?? "", name: label(one), group: group.map(label),
    checked: one.checked ?? false,
    chosen: one.localName === "select" ? one.selectedOptions[0]?.textContent.trim() ?? "" : "",
    ringed: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    inside: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight
      && box.right > 0 && box.left < innerWidth && box.left >= -1,
  };
};
"""
NOW = f"""() => {{
  {DESCRIBE}
  const one = document.activeElement;
  if (!one || one === document.body || one === document.documentElement) return null;
  const last = globalThis.focusedBefore;
  globalThis.focusedBefore = one;
  const place = last?.isConnected ? last.compareDocumentPosition(one) : 0;
  return {{...described(one), behind: !!(place & Node.DOCUMENT_POSITION_FOLLOWING),
          before: !!(place & Node.DOCUMENT_POSITION_PRECEDING)}};
}}"""


@dataclass(frozen=True)
class Stop:
    """What is focused, as its user is told of it.

    Attributes
    ----------
    name : str
        By its label, or its text.
    group : tuple of str
        Of a radio button: the names of all that belong to it.
    """

    tag: str
    kind: str
    name: str
    group: tuple[str, ...]
    checked: bool
    chosen: str


class Hands:
    """Somebody who uses a page in one language without a mouse.

    Parameters
    ----------
    spoken : str
        Language of the page; names are looked up in its catalogues.
    """

    def __init__(self, page: Page, spoken: str) -> None:
        self.page = page
        self.spoken = spoken
        self.t: Callable[..., str] = partial(self._t)
        self.say: Callable[..., str] = partial(self._say)

    def _t(self, key: str, **numbers: Any) -> str:
        return wording.page_text(key, self.spoken, **numbers)

    def _say(self, key: str, **numbers: Any) -> str:
        return wording.say(key, self.spoken, **numbers)

    def opened(self, path: str) -> None:
        """Type an address, and go to the content by the link that is there for it."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status < 400, (path, answer.status)
        self.to_content()

    def to_content(self) -> None:
        """Skip the menu: the first stop of every page, unless it was opened at its content."""
        assert self.page.locator("html").get_attribute("lang") == self.spoken
        if "#" in self.page.url:
            return
        stop = self.tab()
        assert stop is not None
        assert stop.name == self.t("site.skip"), (self.page.url, stop)
        self.page.keyboard.press("Enter")

    def tab(self, *, back: bool = False) -> Stop | None:
        """One stop on, or back; None where the page ends."""
        self.page.keyboard.press("Shift+Tab" if back else "Tab")
        found: dict[str, Any] | None = self.page.evaluate(NOW)
        if found is None:
            return None
        assert found["ringed"], f"focus is not seen on {found}"
        assert found["inside"], f"what is focused is outside the window: {found}"
        assert not found["behind" if back else "before"], f"the order jumps to {found}"
        return Stop(found["tag"], found["kind"], found["name"], tuple(found["group"]),
                    found["checked"], found["chosen"])  # fmt: skip

    def to(self, *names: str, tag: str = "", back: bool = False) -> Stop:
        """Go on until something of one of these names is focused, or a group that it belongs to.

        A name that ends with `…` is the beginning of one.
        """

        def meant(name: str) -> bool:
            return any(
                name.startswith(one[:-1]) if one.endswith("…") else name == one for one in names
            )

        seen = []
        for _ in range(MOST_STOPS):
            stop = self.tab(back=back)
            if stop is None:
                break
            seen.append(stop.name)
            if (not tag or stop.tag == tag) and (meant(stop.name) or any(map(meant, stop.group))):
                return stop
        raise AssertionError(f"{names} is not reached: {seen}")

    def entered(self, *names: str, tag: str = "", back: bool = False) -> None:
        """Follow a link, or press a button, that leads to another page; skip its menu."""
        self.to(*names, tag=tag, back=back)
        self.leaves(lambda: self.page.keyboard.press("Enter"))
        self.to_content()

    def leaves(self, act: Callable[[], object]) -> None:
        """Do something that opens another page, and wait for it."""
        self.page.evaluate("() => { globalThis.leftBehind = true; }")
        act()
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                if self.page.evaluate(
                    "() => !globalThis.leftBehind && document.readyState === 'complete'"
                ):
                    return
            except Error:  # between two pages
                pass
            time.sleep(0.05)
        raise AssertionError(f"no other page came: {self.page.locator('main').inner_text()}")

    def typed(self, name: str, text: str) -> None:
        """Write into a field in place of what stands there."""
        self.to(name)
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.type(text)

    def dated(self, name: str, day: date) -> None:
        """Write a date in the order of this browser's own language, American English."""
        stop = self.to(name)
        assert stop.kind == "date"
        self.page.keyboard.type(f"{day:%m%d%Y}")

    def ticked(self, name: str) -> None:
        """Choose a box, or one of several by the arrows."""
        stop = self.to(name)
        if stop.kind == "checkbox":
            self.page.keyboard.press("Space")
            return
        for _ in stop.group:
            found = self.page.evaluate(NOW)
            if found["name"] == name:
                break
            self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Space")
        found = self.page.evaluate(NOW)
        assert (found["name"], found["checked"]) == (name, True)

    def chosen(self, name: str, wanted: str) -> None:
        """Choose from a list by the arrows."""
        stop = self.to(name, tag="select")
        self.page.keyboard.press("Home")
        for _ in range(MOST_STOPS):
            now: str = self.page.evaluate(NOW)["chosen"]
            if now == wanted:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{wanted} is not offered by {stop.name}")

    def attached(self, name: str, files: list[Any]) -> None:
        """Choose files in the window that the browser opens for it."""
        self.to(f"{name}…")
        with self.page.expect_file_chooser() as opened:
            self.page.keyboard.press("Enter")
        chooser: FileChooser = opened.value
        chooser.set_files(files)

// What only the reader's window can tell: which boxes scroll and must be reachable by keyboard.
(() => {
  "use strict";

  const boxes = [
    [".highlight pre", "Code"],
    ["pre.literal-block", "Text"],
    [".table-wrapper", "Table"],
    [".math-wrapper, div.math", "Equation"],
  ];

  function check(box) {
    const style = getComputedStyle(box);
    const scrolls =
      (box.scrollWidth > box.clientWidth && style.overflowX !== "visible") ||
      (box.scrollHeight > box.clientHeight && style.overflowY !== "visible");
    if (scrolls && !box.hasAttribute("tabindex")) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", `${box.dataset.kind}, scrolls`);
    } else if (!scrolls && box.getAttribute("role") === "group") {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  }

  const watch = new ResizeObserver((entries) => entries.forEach((entry) => check(entry.target)));
  for (const [selector, kind] of boxes) {
    for (const box of document.querySelectorAll(selector)) {
      box.dataset.kind ??= kind;
      check(box);
      watch.observe(box);
    }
  }

  // The drawers of a narrow window: Escape closes them and gives the focus back.
  const drawers = [...document.querySelectorAll("input.sidebar-toggle")];
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const drawer of drawers) {
      if (drawer.checked) {
        drawer.checked = false;
        drawer.focus();
      }
    }
  });
})();

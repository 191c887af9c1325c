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
  // A formula grows inside its box when its fonts arrive; the box itself keeps its size.
  document.fonts.ready.then(() => document.querySelectorAll("[data-kind]").forEach(check));

  // The drawers of a narrow window hang on hidden check boxes: make their icons real buttons.
  const drawers = [
    ["__navigation", "Contents", ".sidebar-drawer"],
    ["__toc", "On this page", ".toc-drawer"],
  ];
  for (const [id, name, drawerSelector] of drawers) {
    const box = document.getElementById(id);
    if (!box) continue;
    const icons = document.querySelectorAll(`label[for="${id}"] .icon`);
    const tell = () => icons.forEach((icon) => (icon.ariaExpanded = String(box.checked)));
    const visible = () => [...icons].find((icon) => icon.offsetParent !== null);
    for (const icon of icons) {
      icon.tabIndex = 0;
      icon.role = "button";
      icon.ariaLabel = name;
      icon.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        box.checked = !box.checked;
        tell();
        if (box.checked) document.querySelector(`${drawerSelector} a`)?.focus();
      });
    }
    box.addEventListener("change", tell);
    tell();
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !box.checked) return;
      box.checked = false;
      tell();
      visible()?.focus();
    });
  }
})();

// "Copy all": the block above the button, behind the blocks of the page that it needs.
(() => {
  "use strict";

  const code = (number) => {
    const pre = document.querySelector(`#block-${number} pre`);
    const copy = pre.cloneNode(true);
    // The prompts, and what Python printed.
    for (const part of copy.querySelectorAll(".gp, .go")) part.remove();
    return copy.textContent.replace(/\n{2,}$/, "\n");
  };

  const together = (button) => button.dataset.blocks.split(" ").map(code).join("\n");

  const start = () => {
    if (window.ClipboardJS === undefined) {
      setTimeout(start, 250);
      return;
    }
    const clipboard = new ClipboardJS(".copy-all", { text: together });
    clipboard.on("success", ({ trigger }) => tell(trigger, "Copied"));
    clipboard.on("error", ({ trigger }) => tell(trigger, "Not copied"));
  };

  const tell = (button, word) => {
    const before = button.dataset.label ?? button.textContent;
    button.dataset.label = before;
    button.textContent = word;
    setTimeout(() => (button.textContent = before), 2000);
  };

  document.readyState === "loading" ? addEventListener("DOMContentLoaded", start) : start();
})();

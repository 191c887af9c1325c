// A stepper: an animation that moves when its reader asks, one frame at a time.
//
// The page holds the poster (one frame as an ordinary picture), the controls, and the list of
// frames in data-stepper. Frames are fetched at the first touch of a control. Works from file://.
(() => {
  "use strict";

  const SLOWEST_PLAY_MS = 400; // a frame is read, not only seen
  const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  const isDark = () => {
    const theme = document.body.dataset.theme; // furo: light, dark or auto
    return theme === "dark" || (theme !== "light" && prefersDark.matches);
  };

  function setUp(root) {
    const { frames, poster, interval } = JSON.parse(root.dataset.stepper);
    const pause = Math.max(interval, SLOWEST_PLAY_MS);
    const find = (name) => root.querySelector(`[data-step="${name}"]`);
    const slider = root.querySelector("input");
    const status = root.querySelector(".stepper-status");
    const [count, title] = status.children;
    const play = find("play");
    const still = root.querySelector(".stepper-poster img");

    let index = poster - 1;
    let picture = null; // replaces the poster at the first touch
    let playing = false;
    let timer = 0;
    let request = 0;
    const fetched = new Map();

    function load(number) {
      const address = frames[number][isDark() ? "dark" : "light"];
      if (!fetched.has(address)) {
        const image = new Image();
        image.src = address;
        fetched.set(address, image.decode().then(() => address));
      }
      return fetched.get(address);
    }

    function wake() {
      if (picture) return;
      picture = new Image(still.width, still.height);
      picture.className = "stepper-picture";
      picture.setAttribute("width", still.getAttribute("width"));
      picture.setAttribute("height", still.getAttribute("height"));
      for (let number = 0; number < frames.length; number++) load(number).catch(() => {});
    }

    async function show(number) {
      wake();
      index = Math.min(Math.max(number, 0), frames.length - 1);
      slider.value = index + 1;
      slider.setAttribute("aria-valuetext", `frame ${index + 1} of ${frames.length}`);
      count.textContent = `Frame ${index + 1} of ${frames.length}`;
      title.textContent = `: ${frames[index].alt}`;
      for (const name of ["first", "previous"]) find(name).ariaDisabled = String(index === 0);
      for (const name of ["next", "last"]) {
        find(name).ariaDisabled = String(index === frames.length - 1);
      }
      const mine = ++request;
      const wanted = index;
      try {
        const address = await load(wanted);
        if (mine !== request) return; // the reader has moved on
        picture.src = address;
        picture.alt = frames[wanted].alt;
        if (!picture.isConnected) {
          root.querySelector(".stepper-poster").after(picture);
          root.classList.add("stepper-awake");
        }
        root.dataset.frame = wanted + 1;
      } catch {
        count.textContent = `Frame ${wanted + 1} of ${frames.length} could not be loaded`;
      }
    }

    function stop() {
      playing = false;
      clearTimeout(timer);
      play.ariaLabel = "Play";
      play.dataset.state = "paused";
      status.ariaLive = "polite";
    }

    async function run() {
      await show(index);
      if (!playing) return;
      if (index === frames.length - 1) {
        stop();
        return;
      }
      timer = setTimeout(() => {
        index += 1;
        run();
      }, pause);
    }

    function start() {
      playing = true;
      play.ariaLabel = "Pause";
      play.dataset.state = "playing";
      status.ariaLive = "off"; // a running commentary would drown everything else
      if (index === frames.length - 1) index = 0;
      run();
    }

    const actions = {
      first: () => show(0),
      previous: () => show(index - 1),
      next: () => show(index + 1),
      last: () => show(frames.length - 1),
    };
    for (const [name, action] of Object.entries(actions)) {
      find(name).addEventListener("click", () => {
        stop();
        action();
      });
    }
    play.addEventListener("click", () => {
      if (playing) stop();
      else if (lessMotion.matches) show(index === frames.length - 1 ? 0 : index + 1);
      else start();
    });
    slider.addEventListener("input", () => {
      stop();
      show(Number(slider.value) - 1);
    });
    const keys = { ArrowLeft: "previous", ArrowRight: "next", Home: "first", End: "last" };
    root.addEventListener("keydown", (event) => {
      const name = keys[event.key];
      if (!name || event.target === slider || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      stop();
      actions[name]();
    });

    const follow = () => {
      if (picture) show(index);
    };
    new MutationObserver(follow).observe(document.body, { attributeFilter: ["data-theme"] });
    prefersDark.addEventListener("change", follow);
    lessMotion.addEventListener("change", stop);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) stop();
    });
    // Browsers restore a form's values when a page is reloaded; the poster is what is shown.
    slider.value = poster;
  }

  document.querySelectorAll("[data-stepper]").forEach(setUp);
})();

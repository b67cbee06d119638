"""What the page can do beyond showing itself: search, copied addresses, interactive figures, print with all open.

Without it everything is there to read.
"""

SCRIPT = """\
(() => {
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const narrow = matchMedia("(max-width: 62rem)");
  const contents = document.getElementById("contents");
  const fold = () => { contents.open = !narrow.matches; };
  fold();
  narrow.addEventListener("change", fold);
  contents.addEventListener("click", event => { if (narrow.matches && event.target.closest("a")) contents.open = false; });

  const input = document.getElementById("search"), found = document.getElementById("found"), count = document.getElementById("count");
  input.closest(".search").hidden = false;
  const own = element => [...element.childNodes].filter(node => !(node.classList && node.classList.contains("anchor")))
    .map(node => node.textContent).join("").trim();
  const places = all("main h2, main figure h3, main .statement").map(element =>
    ({ text: own(element), id: (element.closest("tr[id], figure[id], section[id]") || {}).id }));
  const MOST = 12;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const hits = words.length ? places.filter(place => words.every(word => (place.text + " " + place.id).toLowerCase().includes(word))) : [];
    found.replaceChildren(...hits.slice(0, MOST).map(place => {
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = "#" + place.id;
      link.textContent = place.text;
      item.append(link);
      return item;
    }));
    found.hidden = !hits.length;
    count.textContent = words.length ? hits.length + (hits.length === 1 ? " place" : " places") + (hits.length > MOST ? ", the first " + MOST + " are listed" : "") : "";
  });
  addEventListener("keydown", event => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.target.closest("input, textarea")) {
      event.preventDefault();
      contents.open = true;
      input.focus();
    } else if (event.key === "Escape" && event.target === input) {
      input.value = "";
      input.dispatchEvent(new Event("input"));
    }
  });

  document.addEventListener("click", event => {
    const anchor = event.target.closest("a.anchor");
    if (anchor && navigator.clipboard) {
      navigator.clipboard.writeText(anchor.href).then(() => {
        anchor.classList.add("copied");
        setTimeout(() => anchor.classList.remove("copied"), 1500);
      }, () => {});
    }
    const live = event.target.closest("a.live");
    if (live && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      toggle(live);
    }
  });

  // The drawing stays in the document, so that the picture is back at once.
  function toggle(link) {
    const canvas = link.closest("figure").querySelector(".canvas"), frame = canvas.querySelector("iframe");
    if (frame) {
      frame.remove();
    } else {
      const added = document.createElement("iframe");
      added.src = canvas.dataset.page;
      added.title = "Interactive figure: " + canvas.dataset.name;
      added.height = Number(canvas.dataset.height) + 160;
      canvas.append(added);
    }
    canvas.classList.toggle("live", !frame);
    canvas.querySelector("svg").style.display = frame ? "" : "none";
    link.textContent = frame ? "interactive" : "as a picture";
    reach();
  }

  // What scrolls sideways can be reached with the keyboard.
  function reach() {
    for (const box of all(".canvas, .scroll")) {
      const wide = box.scrollWidth > box.clientWidth + 1;
      box.classList.toggle("wide", wide);
      if (wide) {
        box.tabIndex = 0;
        box.setAttribute("role", "region");
        box.setAttribute("aria-label", (box.dataset.name || "Table") + ", scrolls sideways" + (box.closest("#answer") ? ", at the top" : ""));
      } else {
        for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
      }
    }
  }
  reach();
  addEventListener("resize", reach);
  addEventListener("load", reach);
  all("details").forEach(one => one.addEventListener("toggle", reach));

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("main details:not([open])");
    opened.forEach(one => { one.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach(one => { one.open = false; }));

  if ("IntersectionObserver" in window) {
    const links = new Map(all(".contents ol a").map(link => [link.hash.slice(1), link]));
    const seen = new Set();
    const watch = new IntersectionObserver(entries => {
      entries.forEach(entry => entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id));
      const current = [...links.keys()].find(id => seen.has(id));
      links.forEach((link, id) => id === current ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current"));
    }, { rootMargin: "-10% 0px -70% 0px" });
    all("main section[id]").forEach(section => watch.observe(section));
  }
})();
"""  # noqa: E501 - lines of script

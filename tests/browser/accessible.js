// What people who read with a keyboard, a screen reader or weak eyes need of a page; returns a line for each fault.
// The rules are those of WCAG 2.2: 1.1.1, 1.3.1, 1.4.1, 1.4.3, 2.1.1, 2.4.1, 2.4.4, 2.4.6, 3.1.1, 4.1.2.
function faults(page) {
  const all = (what, where = page) => [...where.querySelectorAll(what)];
  const view = page.defaultView, found = [];
  const say = (rule, element, more = "") => found.push(rule + ": " + element.outerHTML.slice(0, 90) + " " + more);
  const style = element => view.getComputedStyle(element);
  const shown = element => element.checkVisibility() && element.getBoundingClientRect().width > 1;
  const label = element => (element.getAttribute("aria-label") || element.textContent || element.title || "").trim();

  if (!page.documentElement.lang) found.push("language of the page");
  if (!page.title.trim()) found.push("title of the page");
  if (all("main").length !== 1) found.push("one main landmark");
  if (all("h1").length !== 1) found.push("one heading of the first level");
  const skip = all("body a[href^='#']")[0];
  if (!skip || !page.getElementById(skip.hash.slice(1)) || all("nav").some(nav => nav.compareDocumentPosition(skip) & 4))
    found.push("a link that skips the contents comes first");

  let level = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) say("levels of headings", heading);
    level = own;
    if (!label(heading)) say("words in a heading", heading);
  }
  const ids = all("[id]").map(element => element.id);
  for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) found.push("id used twice: " + id);
  const regions = all("[role=region], nav").map(element => element.getAttribute("aria-label"));
  regions.forEach((name, place) => {
    if (!name || regions.indexOf(name) !== place) found.push("regions have names of their own: " + name);
  });
  for (const link of all("a[href], button, summary")) if (!label(link)) say("name of a link", link);
  for (const link of all("a[href^='#']"))
    if (!page.getElementById(decodeURIComponent(link.hash.slice(1)))) say("target of a link", link);
  for (const input of all("input"))
    if (!input.labels.length && !input.getAttribute("aria-label")) say("label of a field", input);
  for (const picture of all("svg"))
    if (picture.getAttribute("aria-hidden") !== "true" && !picture.closest("svg [id]") && !picture.parentElement.closest("svg")
      && !(picture.getAttribute("role") === "img" && picture.getAttribute("aria-label"))) say("words for a picture", picture);
  for (const cell of all("table")) if (!all("th", cell).length) say("headings of a table", cell);
  for (const box of all("*"))
    if (shown(box) && /auto|scroll/.test(style(box).overflowX) && box.scrollWidth > box.clientWidth + 1 && box.tabIndex < 0)
      say("what scrolls takes the keyboard", box);
  for (const link of all("p a, li a, td a, dd a, figcaption a"))
    if (shown(link) && !/underline/.test(style(link).textDecorationLine) && style(link).color === style(link.parentElement).color
      && link.textContent.trim() !== link.parentElement.textContent.trim()) say("links are not told by colour alone", link);

  // Contrast of text, 4.5 : 1, against the nearest ground that is not transparent.
  const channels = colour => colour.match(/[\d.]+/g).map(Number);
  const luminance = colour => channels(colour).slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = style(at).backgroundColor, alpha = channels(colour)[3];
      if (alpha === undefined || alpha > 0.99) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  for (const element of all("body *:not(svg, svg *, script, style)")) {
    const text = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!text || !shown(element)) continue;
    const [high, low] = [luminance(style(element).color), luminance(ground(element))].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) say("contrast of text", element, contrast.toFixed(2));
  }
  return found;
}

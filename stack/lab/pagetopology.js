// Draws segments as boxes that hold their hosts; a host on several stands between them.

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, ...children) {
  const e = document.createElementNS(SVG, name);
  for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

function el(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v); else e.setAttribute(k, v);
  }
  e.append(...children.filter(c => c !== null && c !== undefined));
  return e;
}

const SHOWN_HOSTS = 24, SHOWN_ADDRESSES = 4, CARD = 236, GAP = 12, MONO = 7.3;

// linesOf is what a host's card says: addresses, link-local ones only if there is nothing else.
function linesOf(host) {
  const lines = [];
  for (const p of host.ports) {
    const global = p.addresses.filter(a => !a.prefix.startsWith("fe80:"));
    const all = global.length ? global : p.addresses;
    const label = host.ports.length > 1 ? p.name + " " : "";
    for (const a of all.slice(0, SHOWN_ADDRESSES)) lines.push({ text: label + a.prefix, flags: a.flags || "" });
    if (all.length > SHOWN_ADDRESSES) lines.push({ text: `${label}and ${all.length - SHOWN_ADDRESSES} more`, flags: "", quiet: true });
  }
  return lines;
}

// Flags stand beside the address where there is room, else below.
const beside = l => l.text.length * MONO + l.flags.length * 6.5 + 30 < CARD;
const cardHeight = host => 33 + 17 * linesOf(host).reduce((n, l) => n + (l.flags && !beside(l) ? 2 : 1), 0);

function card(host, x, y, width) {
  const height = cardHeight(host);
  const g = svg("g", { class: "host", tabindex: "0", role: "button", transform: `translate(${x} ${y})`, "aria-label": "only packets of " + host.name });
  g.append(svg("rect", { width, height, rx: 7 }), svg("text", { class: "name", x: 10, y: 20 }, fit(host.name, width - 20, 8)));
  let at = 38;
  for (const l of linesOf(host)) {
    g.append(svg("text", { class: l.quiet ? "quiet" : "addr", x: 10, y: at }, fit(l.text, width - 20, MONO)));
    if (l.flags) {
      if (!beside(l)) at += 17;
      g.append(svg("text", { class: "mark", x: beside(l) ? 10 + l.text.length * MONO + 8 : 22, y: at - 1 }, l.flags));
    }
    at += 17;
  }
  g.append(svg("title", {}, host.ports.map(p => `${host.name}/${p.name} ${p.hw}\n` + p.addresses.map(a => "  " + a.prefix + (a.flags ? " " + a.flags : "")).join("\n")).join("\n")));
  const pick = () => setFilter("host " + host.name);
  g.addEventListener("click", pick);
  g.addEventListener("keydown", e => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); pick(); } });
  return g;
}

const fit = (s, width, perChar) => s.length * perChar <= width ? s : s.slice(0, Math.max(3, Math.floor(width / perChar) - 1)) + "…";

// grid places cards in rows and returns where the last ends.
function grid(root, hosts, x, y, width, place) {
  const w = Math.min(CARD, width), columns = Math.max(1, Math.floor((width + GAP) / (w + GAP)));
  for (let i = 0; i < hosts.length; i += columns) {
    const row = hosts.slice(i, i + columns);
    row.forEach((h, k) => {
      const cx = x + k * (w + GAP);
      root.append(card(h, cx, y, w));
      if (place) place.set(h, { x: cx, y, width: w, height: cardHeight(h) });
    });
    y += Math.max(...row.map(cardHeight)) + GAP;
  }
  return y - (hosts.length ? GAP : 0);
}

const segmentsOf = h => [...new Set(h.ports.map(p => p.segment))].sort((a, b) => a - b);
const hostsOn = i => D.hosts.filter(h => segmentsOf(h).length === 1 && segmentsOf(h)[0] === i);
const jointsAt = i => D.hosts.filter(h => segmentsOf(h).length > 1 && segmentsOf(h)[0] === i);

// frame draws a segment with the hosts that are on no other, and returns where it ends.
function frame(boxes, cards, i, x, y, width) {
  const s = D.segments[i], hosts = hostsOn(i), shown = hosts.slice(0, SHOWN_HOSTS);
  cards.append(svg("text", { x: x + 14, y: y + 21 }, svg("tspan", { class: "name" }, s.name), svg("tspan", { class: "quiet", dx: 10 }, `MTU ${s.mtu}`)));
  let end = grid(cards, shown, x + 13, y + 32, width - 26) + (shown.length ? 13 : 4);
  if (hosts.length > shown.length) { cards.append(svg("text", { class: "quiet", x: x + 14, y: end + 8 }, `and ${hosts.length - shown.length} more hosts`)); end += 20; }
  const box = svg("rect", { class: "seg", x, y, width, height: end - y, rx: 10 });
  boxes.append(box);
  return { box, top: y, bottom: end, left: x, right: x + width };
}

function drawTopology() {
  const into = document.getElementById("topology"), width = Math.max(280, into.clientWidth - 2);
  const parts = { boxes: svg("g"), cables: svg("g"), cards: svg("g") };
  const size = rowOfSegments(parts, width) || columnOfSegments(parts, width);
  into.replaceChildren(svg("svg", { width: size.width, height: size.height, viewBox: `0 0 ${size.width} ${size.height}`, role: "group", "aria-label": "Segments and hosts" },
    parts.boxes, parts.cables, parts.cards));
}

// rowOfSegments draws them side by side, with what joins two neighbours between them, if that fits.
function rowOfSegments(parts, width) {
  const n = D.segments.length, near = D.hosts.every(h => { const s = segmentsOf(h); return s.length < 2 || s.length === 2 && s[1] === s[0] + 1; });
  if (!near || n === 0) return null;
  const wants = D.segments.map((_, i) => Math.min(5, Math.max(1, n === 1 ? hostsOn(i).length : Math.ceil(Math.min(hostsOn(i).length, SHOWN_HOSTS) / 3))));
  const between = D.segments.map((_, i) => i === n - 1 ? 0 : jointsAt(i).length ? CARD + 52 : 16);
  let x = 1, total = 2;
  wants.forEach((columns, i) => { total += columns * (CARD + GAP) - GAP + 26 + between[i]; });
  if (total > width) return null;
  const frames = wants.map((columns, i) => {
    const f = frame(parts.boxes, parts.cards, i, x, 2, columns * (CARD + GAP) - GAP + 26);
    x = f.right + between[i];
    return f;
  });
  let bottom = Math.max(...frames.map(f => f.bottom));
  D.segments.forEach((_, i) => {
    let y = 24;
    for (const h of jointsAt(i)) {
      parts.cards.append(card(h, frames[i].right + 26, y, CARD));
      const middle = y + cardHeight(h) / 2;
      parts.cables.append(cable(frames[i].right, middle, 26, 0), cable(frames[i + 1].left, middle, -26, 0));
      y += cardHeight(h) + GAP;
    }
    bottom = Math.max(bottom, y - GAP);
  });
  for (const f of frames) f.box.setAttribute("height", bottom - f.top);
  return { width, height: bottom + 3 };
}

// columnOfSegments draws them below each other, with what joins them below the first of these.
function columnOfSegments(parts, width) {
  const frames = [], between = new Map();
  let y = 2;
  D.segments.forEach((_, i) => {
    frames.push(frame(parts.boxes, parts.cards, i, 1, y, width - 2));
    y = frames[i].bottom;
    const joints = jointsAt(i);
    y += joints.length ? 24 : 14;
    if (joints.length) y = grid(parts.cards, joints, 28, y, width - 56, between) + 24;
  });
  for (const [h, at] of between) {
    segmentsOf(h).forEach((s, k, all) => {
      const x = at.x + at.width * (k + 1) / (all.length + 1), up = frames[s].bottom <= at.y;
      parts.cables.append(up ? cable(x, frames[s].bottom, 0, at.y - frames[s].bottom) : cable(x, frames[s].top, 0, at.y + at.height - frames[s].top));
    });
  }
  return { width, height: Math.max(y - 10, 10) };
}

// cable leads from a plug in a segment to a host.
const cable = (x, y, dx, dy) => svg("g", {}, svg("path", { class: "cable", d: `M${x} ${y}l${dx} ${dy}` }), svg("circle", { class: "plug", cx: x, cy: y, r: 4 }));

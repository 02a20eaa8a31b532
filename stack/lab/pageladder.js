// The ladder: a column for each host that takes part, an arrow for each packet.

const OUTCOMES = ["delivered", "lost", "queue full", "too long", "link down", "unplugged", "partitioned"];
const hostOf = port => D.ports[port].slice(0, D.ports[port].lastIndexOf("/"));

// ladder is the columns of the packets that are shown.
const ladder = { hosts: [], at: new Map(), width: 300 };

// planLadder chooses the columns: the busiest hosts, in the order in which they were made.
function planLadder(packets, width) {
  const busy = new Map(), note = (h, n) => busy.set(h, (busy.get(h) || 0) + n), lists = new Set();
  for (const p of packets) {
    note(hostOf(p.f), 1);
    for (const r of p.r) lists.add(r.to);
  }
  // Who is one of few is more likely to be spoken to.
  for (const i of lists) for (const t of D.receivers[i]) note(hostOf(t), 1 / D.receivers[i].length);
  const order = [...new Set(D.ports.map((_, i) => hostOf(i)))], most = Math.max(3, Math.floor(width / 62));
  const active = order.filter(h => busy.has(h));
  const kept = new Set(active.length <= most ? active : active.toSorted((a, b) => busy.get(b) - busy.get(a)).slice(0, most - 1));
  ladder.hosts = order.filter(h => kept.has(h));
  if (active.length > kept.size) ladder.hosts.push("others");
  ladder.width = width;
  ladder.at = new Map(ladder.hosts.map((h, i) => [h, columnX(i)]));
}

function columnX(i) {
  const n = ladder.hosts.length, edge = Math.min(46, ladder.width / (2 * Math.max(n, 1)));
  return n === 1 ? ladder.width / 2 : edge + i * (ladder.width - 2 * edge) / (n - 1);
}

const xOf = port => ladder.at.get(hostOf(port)) ?? ladder.at.get("others") ?? 0;

function ladderHead() {
  const step = ladder.hosts.length > 1 ? columnX(1) - columnX(0) : ladder.width;
  const s = svg("svg", { width: ladder.width, height: 30 });
  ladder.hosts.forEach((h, i) => s.append(svg("text", { x: columnX(i), y: 20 }, fit(h, step - 4, 7.4), svg("title", {}, h))));
  return s;
}

// fatesOf merges what is known of each receiver: one that was unplugged was never reached.
function fatesOf(p) {
  const away = new Map();
  for (const r of p.r) if (r.o === 5) D.receivers[r.to].forEach(t => away.set(t, r.a));
  const all = [];
  for (const r of p.r) {
    if (r.o === 5) continue;
    for (const t of D.receivers[r.to]) all.push({ to: t, outcome: r.o === 0 && away.get(t) === r.a ? 5 : r.o, after: r.a, marks: r.m });
  }
  return all;
}

// mishapOf is a word for what went wrong, "" if nothing did.
function mishapOf(p) {
  if (p.b) return "bad checksum";
  const bad = p.r.find(r => r.o !== 0);
  if (bad) return OUTCOMES[bad.o];
  const odd = p.r.find(r => r.m !== 0);
  return odd ? [[1, "corrupted"], [2, "duplicated"], [4, "reordered"]].find(([bit]) => odd.m & bit)[1] : "";
}

function ladderRow(p, height) {
  const s = svg("svg", { class: "way-of", width: ladder.width, height, "aria-hidden": "true" });
  for (const x of ladder.at.values()) s.append(svg("line", { class: "life", x1: x, x2: x, y1: 0, y2: height }));
  const from = xOf(p.f), middle = height / 2, done = new Set();
  for (const f of fatesOf(p)) {
    const x = xOf(f.to), key = x + " " + f.outcome + " " + f.marks;
    if (x === from || done.has(key)) continue;
    done.add(key);
    s.append(...arrow(from, x, middle, height, f));
  }
  s.append(svg("circle", { class: "from", cx: from, cy: middle - slope(Math.max(0, ...p.r.map(r => r.a)), height), r: 3.2 }));
  return s;
}

// slope is how far an arrow falls on either side of the middle: more the longer the packet takes.
const slope = (after, height) => after <= 0 ? 0 : Math.min(height / 2 - 5, 2 + 1.6 * Math.log10(1 + after / 1e4));

function arrow(from, to, middle, height, f) {
  const fall = slope(f.after, height), side = Math.sign(to - from), lost = f.outcome !== 0;
  const y1 = middle - fall, y2 = middle + fall;
  if (!lost) {
    const parts = [svg("line", { class: "way", x1: from, y1, x2: to - 5 * side, y2 }), head(to - 1 * side, y2, side)];
    if (f.marks & 2) parts.push(head(to - 9 * side, y2 - 1, side));
    if (f.marks & 1) { const x = (from + to) / 2; parts.push(svg("path", { class: "wave", d: `M${x - 8} ${middle}l4 -6 4 12 4 -12 4 6` })); }
    return parts;
  }
  const x = from + (to - from) * 0.62, y = y1 + (y2 - y1) * 0.62;
  return [svg("line", { class: "way lost", x1: from, y1, x2: x, y2: y }), svg("path", { class: "cross", d: `M${x - 5} ${y - 5}l10 10m0 -10l-10 10` })];
}

const head = (x, y, side) => svg("path", { class: "head", d: `M${x} ${y}l${-8 * side} -4.2v8.4z` });

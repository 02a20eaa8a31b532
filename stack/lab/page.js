// The page's state, its list of packets, of which only what is in view exists, and its keys.

const D = JSON.parse(document.getElementById("data").textContent);
const list = document.getElementById("list"), rows = document.getElementById("rows"), filterBox = document.getElementById("filter");
const state = { shown: D.packets, at: -1, height: 34, drawn: new Map() };

document.documentElement.dataset.errors = "0";
addEventListener("error", () => { document.documentElement.dataset.errors = String(+document.documentElement.dataset.errors + 1); });

// Packets are decoded when they are first looked at.
for (const p of D.packets) {
  Object.defineProperty(p, "bytes", { configurable: true, get() { const v = bytesOf(p.d); Object.defineProperty(p, "bytes", { value: v }); return v; } });
  Object.defineProperty(p, "facts", { configurable: true, get() { const v = factsOf(p.bytes, p.l); Object.defineProperty(p, "facts", { value: v }); return v; } });
}

function setFilter(text) { filterBox.value = text; applyFilter(); filterBox.focus(); }

function applyFilter() {
  const wrong = document.getElementById("wrong"), text = filterBox.value, kept = state.shown[state.at];
  let f;
  try { f = parseFilter(text); } catch (e) {
    wrong.textContent = e.message;
    filterBox.setAttribute("aria-invalid", "true");
    return;
  }
  wrong.textContent = "";
  filterBox.removeAttribute("aria-invalid");
  state.shown = text.trim() === "" ? D.packets : D.packets.filter(p => f(p, p.facts));
  state.at = kept ? state.shown.indexOf(kept) : -1;
  const n = state.shown.length.toLocaleString("en"), all = D.packets.length.toLocaleString("en");
  document.getElementById("count").textContent = state.shown.length === D.packets.length ? `${all} packets` : `${n} of ${all}`;
  for (const b of document.querySelectorAll("#chips button")) b.setAttribute("aria-pressed", String(b.dataset.text === text));
  layOut();
  if (state.at >= 0) select(state.at); else list.scrollTop = 0;
  remember();
}

// layOut measures, chooses the ladder's columns and draws anew.
function layOut() {
  const narrow = matchMedia("(max-width: 860px)").matches, width = list.clientWidth;
  state.height = narrow ? 58 : 34;
  planLadder(state.shown, narrow ? width - 100 : ladderWidth(width));
  list.parentElement.style.setProperty("--ladder", ladder.width + "px");
  document.getElementById("heads").replaceChildren(el("span", { class: "time" }, "time"), ladderHead(), el("span", { class: "what" }, "packet"));
  rows.style.height = Math.max(state.shown.length * state.height, 1) + "px";
  rows.replaceChildren();
  state.drawn.clear();
  if (!state.shown.length) rows.append(el("p", { class: "empty" }, D.packets.length ? "No packet passes the filter." : "Nothing was sent."));
  draw();
}

function ladderWidth(width) {
  const hosts = new Set(D.ports.map((_, i) => hostOf(i))).size;
  return Math.round(Math.min(Math.max(150, Math.min(hosts, 10) * 76), width * 0.46));
}

function draw() {
  const first = Math.max(0, Math.floor(list.scrollTop / state.height) - 6);
  const last = Math.min(state.shown.length, Math.ceil((list.scrollTop + list.clientHeight) / state.height) + 6);
  for (const [i, e] of state.drawn) if (i < first || i >= last) { e.remove(); state.drawn.delete(i); }
  for (let i = first; i < last; i++) if (!state.drawn.has(i)) { const e = row(i); state.drawn.set(i, e); rows.append(e); }
}

function row(i) {
  const p = state.shown[i], before = state.shown[i - 1], [cls, name] = kindOf(p.facts), bad = mishapOf(p), since = before ? p.t - before.t : 0;
  const e = el("div", { class: `row p-${cls}${since > 1e9 ? " gap" : ""}`, role: "option", id: "row" + i, "aria-selected": String(i === state.at),
    "aria-posinset": String(i + 1), "aria-setsize": String(state.shown.length), style: `top:${i * state.height}px` });
  e.append(el("span", { class: "time" }, clock(p.t), since > 0 ? el("small", {}, "+" + seconds(since, 3)) : null),
    ladderRow(p, 34),
    el("span", { class: "what", title: p.s }, el("span", { class: "tag" }, name), bad ? el("span", { class: "mishap" }, "✕ " + bad) : null,
      chosenFirst.get(p.c) === p ? el("span", { class: "rule" }, ruleOf(D.choices[p.c])) : null, ...sentence(p)));
  e.addEventListener("click", () => { select(i); list.focus({ preventScroll: true }); });
  return e;
}

// sentence is the summary with the message before the addresses, and without the protocol, which the tag says.
function sentence(p) {
  const f = p.facts;
  if (f.proto === 6 && f.ports) return [tcpSentence(p), el("span", { class: "ends" }, p.s.split(" TCP ")[0])];
  const m = p.s.match(/^(\S+ > \S+) (?:(?:TCP|UDP|ICMPv6|ICMP)\b,? ?)?(.*)$/);
  if (!m) return [p.s.replace(/^ARP /, "")];
  const name = m[2].match(/^\d+\(\d+\)/) ? m[2].replace(/^\d+\(\d+\)/, (p.facts.version === 6 ? ICMP6_NAMES : ICMP4_NAMES)[p.facts.kind] || "$&") : m[2];
  return [name + "  ", el("span", { class: "ends" }, m[1])];
}

// Sequence numbers count from the first one that was seen of a direction.
const firstSeq = new Map();
const flowOf = (f, back) => back ? `${ipText(f.dst)} ${f.dport} ${ipText(f.src)} ${f.sport}` : `${ipText(f.src)} ${f.sport} ${ipText(f.dst)} ${f.dport}`;

function noteSeq(p) {
  const f = p.facts;
  if (f.proto !== 6 || !f.ports || p.b) return; // a corrupted one may say anything
  const flow = flowOf(f);
  if (f.flags & 2 || !firstSeq.has(flow)) firstSeq.set(flow, u32(p.bytes, f.upper + 4));
}

function tcpSentence(p) {
  const f = p.facts, b = p.bytes, o = f.upper, size = f.end - o - (b[o + 12] >> 4) * 4, since = (n, flow) => ((n - (firstSeq.get(flow) ?? 0)) >>> 0).toLocaleString("en");
  const names = [[2, "SYN"], [1, "FIN"], [4, "RST"], [8, "PSH"], [16, "ACK"]].filter(([bit]) => f.flags & bit).map(([, n]) => n).join(",");
  return `${names} ${size ? size + " bytes " : ""}seq ${since(u32(b, o + 4), flowOf(f))}${f.flags & 16 ? " ack " + since(u32(b, o + 8), flowOf(f, true)) : ""}  `;
}

// The first packet of each choice of a source, which says the rule.
const chosenFirst = new Map();
for (const p of D.packets) if (p.c >= 0 && D.choices[p.c].ruled && !chosenFirst.has(p.c)) chosenFirst.set(p.c, p);

const ruleOf = c => "source by " + (c.why.match(/ by (rule [\d.]+|.*)/) || ["", "?"])[1];

function clock(ns) {
  const s = Math.floor(ns / 1e9), parts = [Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60, s % 60].map(n => String(n).padStart(2, "0")), days = Math.floor(s / 86400);
  const micros = String(Math.floor(ns % 1e9 / 1e3)).padStart(6, "0");
  return (days ? days + "d " : "") + (s >= 3600 ? parts.join(":") : parts.slice(1).join(":")) + "." + (days ? micros.slice(0, 3) : micros);
}

function select(i, quietly) {
  if (i < 0 || i >= state.shown.length) return;
  state.drawn.get(state.at)?.setAttribute("aria-selected", "false");
  state.at = i;
  scrollTo(i * state.height);
  draw();
  state.drawn.get(i)?.setAttribute("aria-selected", "true");
  list.setAttribute("aria-activedescendant", "row" + i);
  if (!quietly) { showDetail(state.shown[i]); remember(); }
}

// scrollTo brings a row into view: by a little if it is near, else to the middle.
function scrollTo(top) {
  const bottom = state.height > 34 ? innerHeight * 0.4 : innerHeight; // below that the panel lies over the list
  const view = Math.max(2 * state.height, Math.min(list.clientHeight, bottom - list.getBoundingClientRect().top));
  const over = list.scrollTop - top, under = top + state.height - list.scrollTop - view, near = 3 * state.height;
  if (over > near || under > near) list.scrollTop = top - view / 3;
  else if (over > 0) list.scrollTop = top;
  else if (under > 0) list.scrollTop += under;
}

function closeDetail() {
  state.drawn.get(state.at)?.setAttribute("aria-selected", "false");
  state.at = -1;
  list.removeAttribute("aria-activedescendant");
  idleDetail();
  remember();
}

// idleDetail lists the choices of sources: a press on one goes to its first packet.
function idleDetail() {
  const panel = document.getElementById("detail"), first = new Map();
  panel.classList.add("idle");
  for (const p of D.packets) if (p.c >= 0 && !first.has(p.c)) first.set(p.c, p);
  const items = [...first].slice(0, 60).map(([c, p]) => el("li", {}, el("button", { type: "button", onclick: () => go(p) },
    el("b", {}, hostOf(p.f)), " " + D.choices[c].query, el("br"), D.choices[c].why)));
  panel.replaceChildren(el("p", {}, "Choose a packet to see what became of it, why it has its source address, and its headers."),
    el("h2", {}, items.length ? `Sources that were chosen (${first.size})` : "No source was chosen"), el("ul", { class: "sources" }, ...items));
}

function go(p) {
  if (!state.shown.includes(p)) setFilter("");
  select(state.shown.indexOf(p));
  list.focus({ preventScroll: true });
}

function nextLoss() {
  const n = state.shown.length;
  for (let k = 1; k <= n; k++) if (mishapOf(state.shown[(state.at + k + n) % n])) return select((state.at + k + n) % n);
}

// The address of the page keeps the filter and the packet, so that both can be passed on.
function remember() {
  const q = new URLSearchParams();
  if (filterBox.value) q.set("filter", filterBox.value);
  if (state.at >= 0) q.set("packet", state.shown[state.at].n);
  try { history.replaceState(null, "", "#" + q); } catch { /* a page inside another may not */ }
}

function recall() {
  const q = new URLSearchParams(location.hash.slice(1));
  filterBox.value = q.get("filter") || "";
  applyFilter();
  const i = state.shown.findIndex(p => p.n === +q.get("packet"));
  if (i >= 0) select(i);
}

function keys(e) {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const typing = e.target === filterBox, page = Math.max(1, Math.floor(list.clientHeight / state.height) - 1), last = state.shown.length - 1;
  if (e.key === "Escape") { if (typing && filterBox.value) setFilter(""); else { closeDetail(); list.focus({ preventScroll: true }); } }
  else if (typing && (e.key === "Enter" || e.key === "ArrowDown")) { list.focus({ preventScroll: true }); select(Math.max(state.at, 0)); }
  else if (typing || e.target.closest?.("aside, .host, summary, .chips")) return;
  else if (e.key === "/") filterBox.focus();
  else if (e.key === "ArrowDown" || e.key === "j") select(Math.min(state.at + 1, last));
  else if (e.key === "ArrowUp" || e.key === "k") select(Math.max(state.at - 1, 0));
  else if (e.key === "PageDown") select(Math.min(state.at + page, last));
  else if (e.key === "PageUp") select(Math.max(state.at - page, 0));
  else if (e.key === "Home") select(0);
  else if (e.key === "End") select(last);
  else if (e.key === "n") nextLoss();
  else return;
  e.preventDefault();
}

function begin() {
  const title = document.getElementById("title"), lost = D.packets.filter(p => p.r.some(r => r.o !== 0)).length;
  title.textContent = D.title;
  if (D.title.startsWith("Test")) title.append(el("span", { class: D.failed ? "failed" : "passed" }, D.failed ? "✕ failed" : "✓ passed"));
  const n = (k, one) => `${k.toLocaleString("en")} ${one}${k === 1 ? "" : "s"}`;
  document.getElementById("facts").textContent = [n(D.hosts.length, "host"), n(D.segments.length, "segment"), n(D.packets.length, "packet") + (lost ? `, ${lost.toLocaleString("en")} of them lost` : ""),
    D.leftOut ? `the first ${D.leftOut.toLocaleString("en")} left out` : "", "from " + D.start.replace("T", " ").replace("Z", " UTC")].filter(Boolean).join(" · ");
  document.getElementById("failures").append(...D.failures.map(text => el("pre", { class: "failure", tabindex: "0" }, text)));
  const has = t => { const f = parseFilter(t); return D.packets.some(p => f(p, p.facts)); };
  const chips = ["tcp", "udp", "icmp6", "arp", "syn", "type ns or type na", "type ra", "lost", "corrupted", "badsum"].filter(has);
  document.getElementById("chips").append(...chips.map(t => el("button", { type: "button", "data-text": t, "aria-pressed": "false", onclick: () => { filterBox.value = filterBox.value === t ? "" : t; applyFilter(); } }, t)));
  if (matchMedia("(max-width: 860px)").matches) document.getElementById("network").open = false;
  D.packets.forEach(noteSeq);
  drawTopology();
  idleDetail();
  recall();
  let waiting = 0;
  filterBox.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(applyFilter, D.packets.length > 5000 ? 120 : 0); });
  list.addEventListener("scroll", draw, { passive: true });
  addEventListener("keydown", keys);
  addEventListener("hashchange", recall);
  document.getElementById("network").addEventListener("toggle", drawTopology);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawTopology(); layOut(); } else draw(); });
  document.documentElement.dataset.ready = "true";
}

begin();

// The panel beside the list: what happened to a packet, why it has its source, its headers and its bytes.

function seconds(ns, digits = 6) {
  if (ns >= 1e9) return trim(ns / 1e9, digits) + " s";
  return ns >= 1e6 ? trim(ns / 1e6, digits) + " ms" : trim(ns / 1e3, 3) + " µs";
}

const trim = (n, digits) => n.toFixed(digits).replace(/\.?0+$/, "");

function showDetail(p) {
  const panel = document.getElementById("detail"), f = p.facts, [cls, name] = kindOf(f);
  panel.classList.remove("idle");
  const parts = [
    el("div", { class: "title" }, el("b", {}, `Packet ${p.n} `, el("span", { class: `tag p-${cls}` }, name)), el("button", { class: "close", type: "button", onclick: closeDetail }, "Close")),
    el("p", { class: "line" }, p.s),
    el("p", {}, `${D.ports[p.f]} sent it on ${D.segments[p.g].name}, ${p.t ? seconds(p.t) + " after the start" : "at the start"}: ${p.l} bytes.`),
  ];
  if (p.b) parts.push(el("p", { class: "fates" }, el("span", { class: "no" }, "✕ " + p.b)));
  parts.push(el("h2", {}, "What became of it"), fateList(p));
  if (p.c >= 0) parts.push(el("h2", {}, "Why this source"), ...choiceOf(D.choices[p.c]));
  parts.push(el("h2", {}, "Headers"));
  const dump = el("pre", { class: "hex", tabindex: "0", "aria-label": "bytes" });
  for (const layer of layersOf(p.bytes, f)) parts.push(layerTable(layer, dump, p.bytes));
  parts.push(el("h2", {}, p.bytes.length < p.l ? `Bytes, the first ${p.bytes.length} of ${p.l}` : "Bytes"), dump);
  paintBytes(dump, p.bytes, 0, 0);
  panel.replaceChildren(...parts);
  panel.scrollTop = 0;
}

function fateList(p) {
  const all = fatesOf(p), list = el("ul", { class: "fates" }), groups = new Map();
  for (const f of all) {
    const words = [OUTCOMES[f.outcome] + (f.after > 0 ? (f.outcome === 0 ? " after " : " at ") + seconds(f.after) : f.outcome === 0 ? " at once" : "")];
    if (f.marks & 1) words.push("corrupted");
    if (f.marks & 2) words.push("a duplicate");
    if (f.marks & 4) words.push("reordered");
    const text = words.join(", ");
    if (!groups.has(text)) groups.set(text, { bad: f.outcome !== 0, names: [] });
    groups.get(text).names.push(D.ports[f.to]);
  }
  for (const [text, g] of groups) {
    const names = g.names.length > 6 ? `${g.names.slice(0, 5).join(", ")} and ${g.names.length - 5} more` : g.names.join(", ");
    list.append(el("li", {}, el("span", { class: g.bad ? "no" : "" }, g.bad ? "✕ " : "✓ "), names + ": ", el("span", { class: g.bad ? "no" : "" }, text)));
  }
  if (!all.length) list.append(el("li", {}, "Nobody else was on the segment."));
  return list;
}

function choiceOf(c) {
  const rows = c.rows.map(r => el("tr", { class: r.chosen ? "chosen" : "" },
    el("td", { class: "addr" }, r.address, r.flags ? el("div", {}, el("span", { class: "badge" }, r.flags)) : null), el("td", {}, r.verdict)));
  if (c.omitted) rows.push(el("tr", {}, el("td", { colspan: "2" }, `and ${c.omitted} more addresses`)));
  return [el("p", { class: "verdict" }, c.why), el("p", {}, "The stack's own account, ", el("span", { class: "line" }, c.query), ":"),
    el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, "address"), el("th", {}, "verdict"))), el("tbody", {}, ...rows))];
}

function layerTable(layer, dump, bytes) {
  const rows = layer.fields.map(([name, value, at, n]) => {
    const tr = el("tr", {}, el("th", {}, name), el("td", {}, String(value)));
    if (n) {
      tr.addEventListener("mouseenter", () => paintBytes(dump, bytes, at, n));
      tr.addEventListener("mouseleave", () => paintBytes(dump, bytes, 0, 0));
    }
    return tr;
  });
  return el("details", { class: "layer", open: "" }, el("summary", {}, layer.name), el("table", {}, el("tbody", {}, ...rows)));
}

// paintBytes writes a dump in which n bytes from at on are marked.
function paintBytes(into, bytes, at, n) {
  const out = [];
  let run = "", marked = false;
  const flush = () => { if (run) out.push(marked ? el("mark", {}, run) : run); run = ""; };
  for (let i = 0; i < bytes.length; i++) {
    if (i % 16 === 0) { flush(); marked = false; run = (i ? "\n" : "") + i.toString(16).padStart(4, "0") + "  "; }
    const on = i >= at && i < at + n;
    if (on !== marked) { flush(); marked = on; }
    run += bytes[i].toString(16).padStart(2, "0") + (i % 16 === 7 ? "  " : " ");
  }
  flush();
  into.replaceChildren(...out);
}

// layersOf names every field of the headers: [name, value, where, length].
function layersOf(b, f) {
  const layers = [];
  if (b.length < 14) return layers;
  layers.push({ name: "Ethernet", fields: [["to", mac(b.subarray(0, 6)), 0, 6], ["from", mac(b.subarray(6, 12)), 6, 6], ["type", hex(f.ether, 4), 12, 2]] });
  if (f.ether === 0x0806 && f.src) {
    layers.push({ name: "ARP", fields: [["operation", ["", "1 (request)", "2 (reply)"][u16(b, 20)] || u16(b, 20), 20, 2], ["sender", mac(b.subarray(22, 28)), 22, 6],
      ["sender's address", ipText(f.src), 28, 4], ["target", mac(b.subarray(32, 38)), 32, 6], ["target's address", ipText(f.dst), 38, 4]] });
  }
  if (f.version === 4) {
    const w = u16(b, 20);
    layers.push({ name: "IPv4", fields: [["source", ipText(f.src), 26, 4], ["destination", ipText(f.dst), 30, 4], ["total length", f.ip, 16, 2], ["DSCP, ECN", `${b[15] >> 2}, ${b[15] & 3}`, 15, 1],
      ["identification", hex(u16(b, 18), 4), 18, 2], ["flags", [w & 0x4000 ? "don't fragment" : "", w & 0x2000 ? "more fragments" : ""].filter(Boolean).join(", ") || "none", 20, 1],
      ["fragment offset", (w & 0x1fff) * 8, 20, 2], ["time to live", b[22], 22, 1], ["protocol", b[23], 23, 1], ["checksum", hex(u16(b, 24), 4), 24, 2]] });
  }
  if (f.version === 6) {
    layers.push({ name: "IPv6", fields: [["source", ipText(f.src), 22, 16], ["destination", ipText(f.dst), 38, 16], ["traffic class", hex((u16(b, 14) >> 4) & 255, 2), 14, 2],
      ["flow label", hex(u32(b, 14) % 0x100000, 5), 15, 3], ["payload length", u16(b, 18), 18, 2], ["next header", b[20], 20, 1], ["hop limit", b[21], 21, 1]] });
    if (f.upper > 54) layers.push({ name: "Extension headers", fields: [["length", `${f.upper - 54} bytes`, 54, f.upper - 54]] });
  }
  if (f.version && !f.later) layers.push(...upperLayers(b, f));
  return layers;
}

function upperLayers(b, f) {
  const o = f.upper, size = f.end - o;
  if (f.proto === 6 && f.ports) {
    const names = [[32, "URG"], [16, "ACK"], [8, "PSH"], [4, "RST"], [2, "SYN"], [1, "FIN"]].filter(([bit]) => f.flags & bit).map(([, n]) => n).join(", ") || "none", head = (b[o + 12] >> 4) * 4;
    return [{ name: "TCP", fields: [["source port", f.sport, o, 2], ["destination port", f.dport, o + 2, 2], ["sequence number", u32(b, o + 4), o + 4, 4], ["acknowledgment", u32(b, o + 8), o + 8, 4],
      ["flags", names, o + 13, 1], ["window", u16(b, o + 14), o + 14, 2], ["checksum", hex(u16(b, o + 16), 4), o + 16, 2], ["options", tcpOptions(b, o + 20, Math.min(o + head, b.length)), o + 20, head - 20], ["payload", `${size - head} bytes`, o + head, size - head]] }];
  }
  if (f.proto === 17 && f.ports) {
    return [{ name: "UDP", fields: [["source port", f.sport, o, 2], ["destination port", f.dport, o + 2, 2], ["length", u16(b, o + 4), o + 4, 2], ["checksum", hex(u16(b, o + 6), 4), o + 6, 2], ["payload", `${size - 8} bytes`, o + 8, size - 8]] }];
  }
  if (f.icmp) return [{ name: f.version === 6 ? "ICMPv6" : "ICMP", fields: icmpFields(b, f) }];
  return [{ name: "Protocol " + f.proto, fields: [["payload", `${size} bytes`, o, size]] }];
}

function tcpOptions(b, i, end) {
  const names = [];
  while (i < end && b[i] !== 0) {
    if (b[i] === 1) { i++; continue; }
    const n = b[i + 1];
    if (!(n >= 2) || i + n > end) break;
    names.push({ 2: () => `MSS ${u16(b, i + 2)}`, 3: () => `window scale ${b[i + 2]}`, 4: () => "SACK permitted", 5: () => `SACK of ${(n - 2) / 8}`, 8: () => "timestamps" }[b[i]]?.() || `kind ${b[i]}`);
    i += n;
  }
  return names.join(", ") || "none";
}

const ICMP6_NAMES = { 1: "unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem", 128: "echo request", 129: "echo reply", 130: "listener query", 131: "listener report",
  132: "listener done", 133: "router solicitation", 134: "router advertisement", 135: "neighbour solicitation", 136: "neighbour advertisement", 137: "redirect", 143: "listener report, version 2" };
const ICMP4_NAMES = { 0: "echo reply", 3: "unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded", 12: "parameter problem" };

function icmpFields(b, f) {
  const o = f.upper, end = Math.min(f.end, b.length), name = (f.version === 6 ? ICMP6_NAMES : ICMP4_NAMES)[f.kind];
  const fields = [["type", f.kind + (name ? ` (${name})` : ""), o, 1], ["code", f.code, o + 1, 1], ["checksum", hex(u16(b, o + 2), 4), o + 2, 2]];
  if (end < o + 8) return fields;
  const v6 = f.version === 6, echo = v6 ? f.kind === 128 || f.kind === 129 : f.kind === 0 || f.kind === 8;
  if (echo) fields.push(["identifier", u16(b, o + 4), o + 4, 2], ["sequence number", u16(b, o + 6), o + 6, 2], ["data", `${f.end - o - 8} bytes`, o + 8, f.end - o - 8]);
  if (v6 && f.kind === 2) fields.push(["MTU", u32(b, o + 4), o + 4, 4]);
  if (v6 && f.kind === 4) fields.push(["pointer", u32(b, o + 4), o + 4, 4]);
  if (v6 && f.kind === 134 && end >= o + 16) {
    const flags = [[128, "managed"], [64, "other"]].filter(([bit]) => b[o + 5] & bit).map(([, n]) => n).join(", ") || "none";
    fields.push(["current hop limit", b[o + 4], o + 4, 1], ["flags", flags, o + 5, 1], ["router lifetime", u16(b, o + 6) + " s", o + 6, 2], ["reachable time", u32(b, o + 8) + " ms", o + 8, 4], ["retransmission timer", u32(b, o + 12) + " ms", o + 12, 4]);
    fields.push(...ndOptions(b, o + 16, end));
  }
  if (v6 && f.kind === 133) fields.push(...ndOptions(b, o + 8, end));
  if (v6 && (f.kind === 135 || f.kind === 136 || f.kind === 137) && end >= o + 24) {
    fields.push(["target", ipText(b.subarray(o + 8, o + 24)), o + 8, 16]);
    if (f.kind === 136) fields.push(["flags", [[128, "router"], [64, "solicited"], [32, "override"]].filter(([bit]) => b[o + 4] & bit).map(([, n]) => n).join(", ") || "none", o + 4, 1]);
    if (f.kind === 137 && end >= o + 40) fields.push(["destination", ipText(b.subarray(o + 24, o + 40)), o + 24, 16]);
    fields.push(...ndOptions(b, o + (f.kind === 137 ? 40 : 24), end));
  }
  if (v6 && f.kind < 128 || !v6 && (f.kind === 3 || f.kind === 11 || f.kind === 12 || f.kind === 5)) fields.push(["about", quoted(b.subarray(o + 8, end)), o + 8, end - o - 8]);
  return fields;
}

// quoted says which packet an error message is about.
function quoted(b) {
  if (b.length >= 40 && b[0] >> 4 === 6) return `${ipText(b.subarray(8, 24))} > ${ipText(b.subarray(24, 40))}, next header ${b[6]}`;
  if (b.length >= 20 && b[0] >> 4 === 4) return `${ipText(b.subarray(12, 16))} > ${ipText(b.subarray(16, 20))}, protocol ${b[9]}`;
  return `${b.length} bytes`;
}

function ndOptions(b, i, end) {
  const fields = [];
  while (i + 8 <= end) {
    const n = b[i + 1] * 8;
    if (n === 0 || i + n > end) break;
    const life = at => u32(b, at) === 0xffffffff ? "for ever" : u32(b, at) + " s";
    const known = {
      1: () => ["source link layer", mac(b.subarray(i + 2, i + 8))], 2: () => ["target link layer", mac(b.subarray(i + 2, i + 8))],
      3: () => n < 32 ? null : ["prefix", `${ipText(b.subarray(i + 16, i + 32))}/${b[i + 2]}${b[i + 3] & 128 ? ", on link" : ""}${b[i + 3] & 64 ? ", autonomous" : ""}, valid ${life(i + 4)}, preferred ${life(i + 8)}`],
      5: () => ["MTU", u32(b, i + 4)], 14: () => ["nonce", mac(b.subarray(i + 2, i + 8))],
      25: () => { const all = []; for (let k = i + 8; k + 16 <= i + n; k += 16) all.push(ipText(b.subarray(k, k + 16))); return ["name servers", `${all.join(", ")}, ${life(i + 4)}`]; },
    }[b[i]]?.();
    fields.push(known ? [...known, i, n] : [`option ${b[i]}`, `${n} bytes`, i, n]);
    i += n;
  }
  return fields;
}

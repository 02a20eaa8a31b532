// The language of lab.ParseFilter: a text becomes a function of a packet and its facts.

const KINDS = { "echo-request": [8, 128], "echo-reply": [0, 129], "unreachable": [3, 1], "too-big": [-1, 2], "time-exceeded": [11, 3],
  "parameter-problem": [12, 4], "rs": [-1, 133], "ra": [-1, 134], "ns": [-1, 135], "na": [-1, 136], "redirect": [5, 137] };

const isPort = (port, name) => port === name || port.startsWith(name + "/");
const sentBy = name => p => isPort(D.ports[p.f], name);
const receivedBy = name => p => p.r.some(r => D.receivers[r.to].some(i => isPort(D.ports[i], name)));
const byProtocol = (proto, version) => (p, f) => f.version !== 0 && f.proto === proto && (!version || f.version === version);
const byFlag = bit => (p, f) => (f.flags & bit) !== 0;

const SIMPLE = {
  ip: (p, f) => f.version === 4, ip6: (p, f) => f.version === 6, arp: (p, f) => f.ether === 0x0806,
  tcp: byProtocol(6), udp: byProtocol(17), icmp: byProtocol(1, 4), icmp6: byProtocol(58, 6), igmp: byProtocol(2, 4),
  fin: byFlag(1), syn: byFlag(2), rst: byFlag(4), psh: byFlag(8), ack: byFlag(16),
  multicast: p => (p.bytes[0] & 1) === 1, fragment: (p, f) => f.piece, badsum: p => !!p.b,
  lost: p => p.r.some(r => r.o !== 0), corrupted: p => p.r.some(r => r.m & 1), duplicated: p => p.r.some(r => r.m & 2),
};

const LONG = {
  proto: s => { const n = s.number(255); return (p, f) => f.version !== 0 && f.proto === n; },
  src: s => s.direction(true, false), dst: s => s.direction(false, true),
  net: s => s.net(true, true), port: s => s.port(true, true), host: s => s.host(),
  from: s => sentBy(s.name("a host's name")), to: s => receivedBy(s.name("a host's name")),
  on: s => { const name = s.name("a segment's name"); return p => D.segments[p.g].name === name; },
  type: s => s.kind(), code: s => { const n = s.number(255); return (p, f) => f.icmp && f.code === n; },
  len: s => s.length(),
};

const OPERATOR = /^[<>=!&|]/;
const begins = w => Object.hasOwn(SIMPLE, w) || Object.hasOwn(LONG, w) || w === "not" || w === "!" || w === "(";

// parseFilter returns a function (packet, facts) => boolean, or throws an Error that names the word.
function parseFilter(text) {
  const s = new FilterText(text);
  if (s.peek().text === "") return () => true;
  const t = s.any(0);
  if (s.peek().text !== "") throw s.expected(s.peek(), '"and", "or" or the end');
  return t;
}

class FilterText {
  constructor(text) {
    this.words = [];
    this.next = 0;
    for (const m of text.matchAll(/[(),]|!?[<>=&|]+|!|[^\s(),<>=!&|]+/g)) this.words.push({ text: m[0], at: m.index + 1 });
  }
  peek() { return this.words[this.next] || { text: "", at: 0 }; }
  take() { const w = this.peek(); if (w.text) this.next++; return w; }
  accept(...texts) { const yes = texts.includes(this.peek().text) && this.peek().text !== ""; if (yes) this.next++; return yes; }
  expected(w, what) { return new Error((w.text ? `at ${w.at}, "${w.text}": ` : "at its end, ") + what + " is expected"); }

  any(depth) {
    const terms = [this.all(depth)];
    while (this.accept("or", "||")) terms.push(this.all(depth));
    return terms.length === 1 ? terms[0] : (p, f) => terms.some(t => t(p, f));
  }
  all(depth) {
    const terms = [this.one(depth)];
    while (this.accept("and", "&&", ",") || begins(this.peek().text)) terms.push(this.one(depth));
    return terms.length === 1 ? terms[0] : (p, f) => terms.every(t => t(p, f));
  }
  one(depth) {
    if (depth > 100) throw new Error("it is nested more than 100 deep");
    if (this.accept("not", "!")) { const t = this.one(depth + 1); return (p, f) => !t(p, f); }
    if (this.accept("(")) {
      const t = this.any(depth + 1);
      if (!this.accept(")")) throw this.expected(this.peek(), '")", "and" or "or"');
      return t;
    }
    const w = this.take();
    if (Object.hasOwn(SIMPLE, w.text)) return SIMPLE[w.text];
    if (Object.hasOwn(LONG, w.text)) return LONG[w.text](this);
    throw this.expected(w, "a condition, as in tcp, src 2001:db8::1 or not port 80,");
  }

  direction(src, dst) {
    if (this.accept("port")) return this.port(src, dst);
    this.accept("host", "net");
    return this.net(src, dst);
  }
  net(src, dst) {
    const w = this.take(), prefix = prefixOf(w.text);
    if (!prefix) throw this.expected(w, "an address or a prefix");
    return (p, f) => src && contains(prefix, f.src) || dst && contains(prefix, f.dst);
  }
  host() {
    if (prefixOf(this.peek().text)) return this.net(true, true);
    const name = this.name("an address or a host's name"), sent = sentBy(name), received = receivedBy(name);
    return p => sent(p) || received(p);
  }
  name(what) {
    const w = this.take();
    if (!w.text || OPERATOR.test(w.text) || /^[(),]/.test(w.text)) throw this.expected(w, what);
    return w.text;
  }
  port(src, dst) {
    const n = this.number(65535);
    return (p, f) => f.ports && (src && f.sport === n || dst && f.dport === n);
  }
  number(limit) {
    const w = this.take();
    if (!/^\d+$/.test(w.text) || +w.text > limit) throw this.expected(w, `a number from 0 to ${limit}`);
    return +w.text;
  }
  kind() {
    const w = this.peek();
    if (Object.hasOwn(KINDS, w.text)) {
      this.take();
      const [v4, v6] = KINDS[w.text];
      return (p, f) => f.icmp && f.kind === (f.version === 4 ? v4 : v6);
    }
    if (!/^\d+$/.test(w.text) || +w.text > 255) throw this.expected(w, "a number from 0 to 255 or a name, as in ns,");
    const n = this.number(255);
    return (p, f) => f.icmp && f.kind === n;
  }
  length() {
    const w = this.take();
    const holds = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
      "=": (a, b) => a === b, "==": (a, b) => a === b, "!=": (a, b) => a !== b }[w.text];
    if (!holds) throw this.expected(w, "<, <=, >, >=, = or !=");
    const n = this.number(65575);
    return (p, f) => f.version !== 0 && holds(f.ip, n);
  }
}

// prefixOf reads an address or a prefix: null if it is neither.
function prefixOf(s) {
  const [addr, bits, more] = s.split("/"), bytes = ipBytes(addr);
  if (!bytes || more !== undefined) return null;
  if (bits === undefined) return { bytes, bits: bytes.length * 8 };
  if (!/^(0|[1-9]\d{0,2})$/.test(bits) || +bits > bytes.length * 8) return null;
  return { bytes, bits: +bits };
}

function contains(prefix, addr) {
  if (!addr || addr.length !== prefix.bytes.length) return false;
  for (let i = 0; i < prefix.bits; i += 8) {
    const mask = 0xff << Math.max(0, 8 - (prefix.bits - i)) & 0xff;
    if ((addr[i >> 3] ^ prefix.bytes[i >> 3]) & mask) return false;
  }
  return true;
}

// Reads frames: what filters look at (facts), and all fields in words (layersOf).

function bytesOf(base64) {
  const s = atob(base64), b = new Uint8Array(s.length);
  for (let i = 0; i < s.length; i++) b[i] = s.charCodeAt(i);
  return b;
}

const u16 = (b, i) => b[i] << 8 | b[i + 1];
const u32 = (b, i) => (u16(b, i) * 65536) + u16(b, i + 2);
const hex = (n, digits) => "0x" + n.toString(16).padStart(digits, "0");
const mac = b => Array.from(b, x => x.toString(16).padStart(2, "0")).join(":");

// ipText writes an address of 4 or 16 bytes, the latter as RFC 5952 has it.
function ipText(b) {
  if (b.length === 4) return b.join(".");
  const words = [];
  for (let i = 0; i < 16; i += 2) words.push(u16(b, i));
  let at = -1, len = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && words[i + n] === 0) n++;
    if (n > len) { at = i; len = n; }
  }
  const h = words.map(w => w.toString(16));
  if (at < 0) return h.join(":");
  return h.slice(0, at).join(":") + "::" + h.slice(at + len).join(":");
}

// ipBytes reads an address; null if it is none.
function ipBytes(s) {
  if (/^\d+(\.\d+){3}$/.test(s)) {
    const b = s.split(".");
    return b.every(x => +x < 256 && (x === "0" || x[0] !== "0")) ? Uint8Array.from(b, Number) : null;
  }
  if (!s.includes(":") || !/^[0-9a-fA-F:.]+$/.test(s)) return null;
  let tail = [];
  const dot = s.match(/^(.*:)(\d+\.\d+\.\d+\.\d+)$/);
  if (dot) {
    const v4 = ipBytes(dot[2]);
    if (!v4) return null;
    tail = [u16(v4, 0), u16(v4, 2)];
    s = dot[1].endsWith("::") ? dot[1] : dot[1].slice(0, -1);
  }
  const halves = s.split("::");
  if (halves.length > 2) return null;
  const words = part => part === "" ? [] : part.split(":").map(w => /^[0-9a-fA-F]{1,4}$/.test(w) ? parseInt(w, 16) : -1);
  const left = words(halves[0]), right = (halves.length === 2 ? words(halves[1]) : []).concat(tail);
  const gap = 8 - left.length - right.length;
  if (left.concat(right).includes(-1) || (halves.length === 2 ? gap < 1 : gap !== 0)) return null;
  const b = new Uint8Array(16);
  left.concat(new Array(Math.max(gap, 0)).fill(0), right).forEach((w, i) => { b[2 * i] = w >> 8; b[2 * i + 1] = w & 255; });
  return b;
}

// factsOf is what filters look at. length is the frame's, of which b may be the beginning only.
function factsOf(b, length) {
  const f = { ether: 0, version: 0, proto: -1, src: null, dst: null, ports: false, icmp: false, flags: 0, piece: false, later: false, upper: 0, ip: 0 };
  if (b.length < 14) return f;
  f.ether = u16(b, 12);
  if (f.ether === 0x0806 && b.length >= 42 && b[18] === 6 && b[19] === 4) {
    f.src = b.subarray(28, 32);
    f.dst = b.subarray(38, 42);
  } else if (f.ether === 0x0800 && b.length >= 34 && b[14] >> 4 === 4) {
    const head = (b[14] & 15) * 4, total = u16(b, 16), where = u16(b, 20);
    if (head < 20 || total < head || total > length - 14) return f;
    Object.assign(f, { version: 4, ip: total, proto: b[23], src: b.subarray(26, 30), dst: b.subarray(30, 34), upper: 14 + head });
    f.later = (where & 0x1fff) !== 0;
    f.piece = f.later || (where & 0x2000) !== 0;
  } else if (f.ether === 0x86dd && b.length >= 54 && b[14] >> 4 === 6 && 54 + u16(b, 18) <= length) {
    Object.assign(f, { version: 6, ip: 40 + u16(b, 18), proto: b[20], src: b.subarray(22, 38), dst: b.subarray(38, 54), upper: 54 });
    skipExtensions(f, b);
  } else return f;
  f.end = 14 + f.ip;
  const left = Math.min(f.end, b.length) - f.upper;
  if (f.later) return f;
  if (f.proto === 6 && left >= 20 || f.proto === 17 && left >= 8) {
    f.ports = true;
    f.sport = u16(b, f.upper);
    f.dport = u16(b, f.upper + 2);
    if (f.proto === 6) f.flags = b[f.upper + 13];
  } else if (left >= 4 && (f.version === 4 && f.proto === 1 || f.version === 6 && f.proto === 58)) {
    Object.assign(f, { icmp: true, kind: b[f.upper], code: b[f.upper + 1] });
  }
  return f;
}

function skipExtensions(f, b) {
  const end = Math.min(14 + f.ip, b.length);
  while (!f.later) {
    const left = end - f.upper;
    let n = 8;
    if (f.proto === 0 || f.proto === 43 || f.proto === 60) {
      if (left >= 2) n = 8 * (b[f.upper + 1] + 1);
    } else if (f.proto === 44) {
      if (left >= 8) {
        const where = u16(b, f.upper + 2);
        f.later = (where & ~7) !== 0;
        f.piece = f.piece || (where & ~6) !== 0;
      }
    } else return;
    if (left < n) return;
    f.proto = b[f.upper];
    f.upper += n;
  }
}

function kindOf(f) {
  if (f.ether === 0x0806) return ["arp", "ARP"];
  return { 6: ["tcp", "TCP"], 17: ["udp", "UDP"], 1: ["icmp", "ICMP"], 58: ["icmp6", "ICMPv6"], 2: ["other", "IGMP"] }[f.version ? f.proto : -1]
    || ["other", f.version ? "IPv" + f.version : "other"];
}

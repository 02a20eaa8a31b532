#!/usr/bin/env bash
# Runs this package's tests on a processor with AVX-512 BW, VL and VNNI, for machines
# without one: an Ice Lake as Bochs emulates it. As root, on Debian 12 with Go.
#
#   _bochs/run.sh          all tests at full length; fails as they do
#   _bochs/run.sh faults   the tests of the AVX-512 kernels, short, each time with one
#                          fault planted; fails if a fault goes unnoticed, or if the
#                          sound kernels fail
#
# It boots Debian's kernel with an initramfs of busybox and the test binaries, and
# reads the serial port. The files stay in $WORK. All tests take six
# minutes of one CPU, the faults three.
set -euo pipefail
cd "$(dirname "$0")/.."
WORK=${WORK:-$(mktemp -d)}
export DEBIAN_FRONTEND=noninteractive CGO_ENABLED=0
mkdir -p "$WORK/initrd.d/bin" "$WORK/iso"
rm -f "$WORK"/initrd.d/*.test "$WORK"/linux-image* "$WORK/serial.txt"
apt-get update -qq
apt-get install -y -qq --no-install-recommends bochs bochsbios vgabios isolinux syslinux-common xorriso cpio busybox-static >/dev/null
kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image\)/\1/p' | head -n 1)
(cd "$WORK" && apt-get download -qq "$kernel" 2>/dev/null && dpkg -x "$kernel"_*.deb kernel)

n=0
fault() { # fault FILE EDIT: a test binary with sed's EDIT made to FILE
  n=$((n + 1))
  sed "$2" "$1" >"$WORK/$n-$1"
  ! cmp -s "$1" "$WORK/$n-$1" || { echo "no such place: $1 $2"; exit 1; }
  echo "{\"Replace\": {\"$PWD/$1\": \"$WORK/$n-$1\"}}" >"$WORK/overlay.json"
  go test -c -vet=off -overlay "$WORK/overlay.json" -o "$WORK/initrd.d/fault$n.test" .
  echo "fault$n: $1 $2"
}
go test -c -o "$WORK/initrd.d/sound.test" .
args=-test.v
if [ "${1-}" = faults ]; then
  args="-test.short -test.failfast '-test.run=(Sum|Copy|Guard)/avx512'"
  fault sum_avx512_amd64.s 's/SHRQ        \$32, CX/SHRQ $31, CX/'           # the upper mask, up to 64 bytes
  fault sum_avx512_amd64.s '/^	NOTQ/d'                                    # the mask of the last bytes
  fault sum_avx512_amd64.s 's/SHLL        \$20, DX/SHLL $19, DX/'           # the bias taken back
  fault sum_avx512_amd64.s '/VPADDD      Z23/d'                            # one of eight sums
  fault sum_avx512_amd64.s 's/VEXTRACTI64X4 \$1/VEXTRACTI64X4 $0/'          # the upper half
  fault sum_avx512_amd64.s 's/^loop512:/&;	VMOVDQU64 512(SI), Z28/'        # a read past the end
  fault copy_avx512_amd64.s 's/KMOVQ       R8, K1/KMOVD R8, K1/'           # half a mask
  fault copy_avx512_amd64.s 's/VPXORD      Z19, Z19, Z19/NOP/'             # a sum that does not begin at 0
  fault copy_avx512_amd64.s 's/MOVB        CX, -1/MOVW CX, -1/'            # a byte written past the end
  fault copy_avx512_amd64.s 's/VMOVDQU64   Z26, 128(DI)/VMOVDQA64 Z26, 128(DI)/' # a store that must be aligned
  fault long.go 's/64 << 10/130 << 10/'                                    # more than 32 bits hold
fi
cp /bin/busybox "$WORK/initrd.d/bin/"
# Under Bochs 2.7 Go's garbage collector loses objects by its own AVX-512 code (VBMI,
# GFNI, BITALG), which it does not use where DQ is off. Nothing here needs DQ.
cat >"$WORK/initrd.d/init" <<EOF
#!/bin/busybox sh
busybox mkdir -p /proc /dev /tmp && busybox mount -t proc proc /proc && busybox mknod /dev/null c 1 3
busybox grep -m 1 -o avx512_vnni /proc/cpuinfo
export GODEBUG=cpu.avx512dq=off
for t in /*.test; do \$t $args; echo "EXIT \$t \$?"; done
busybox sleep 1
busybox poweroff -f
EOF
chmod +x "$WORK/initrd.d/init"
(cd "$WORK/initrd.d" && find . | cpio -o -H newc --quiet) >"$WORK/iso/initrd"
cp "$WORK"/kernel/boot/vmlinuz* "$WORK/iso/vmlinuz"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$WORK/iso/"
# With ERMS and FSRM Linux dies when it patches itself, and Bochs' sizes for XSAVEC and PKRU do not add up.
printf '%s\n' 'DEFAULT l' 'LABEL l' 'KERNEL /vmlinuz' 'INITRD /initrd' 'APPEND console=ttyS0 loglevel=1 panic=-1 reboot=t nokaslr mitigations=off lpj=100000 no_timer_check clearcpuid=erms,fsrm,xsaves,xsavec,pku,ospke' >"$WORK/iso/isolinux.cfg"
xorriso -as mkisofs -quiet -o "$WORK/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$WORK/iso" 2>/dev/null
printf '%s\n' 'cpu: model=corei7_icelake_u, ips=50000000, reset_on_triple_fault=0' 'megs: 512' 'romimage: file=/usr/share/bochs/BIOS-bochs-latest' \
  'vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest' "ata0-master: type=cdrom, path=$WORK/boot.iso, status=inserted" 'boot: cdrom' \
  "com1: enabled=1, mode=file, dev=$WORK/serial.txt" 'display_library: rfb, options="timeout=0"' "log: $WORK/bochs.log" 'panic: action=fatal' >"$WORK/bochsrc"
timeout 1500 bochs -q -f "$WORK/bochsrc" <<<c >"$WORK/bochs.txt" 2>&1 || true # it leaves with 1 at power off
cat "$WORK/serial.txt"
[ "$(grep -ac '^EXIT /fault[0-9]*.test [1-9]' "$WORK/serial.txt")" = "$n" ] && grep -aq '^EXIT /sound.test 0' "$WORK/serial.txt"

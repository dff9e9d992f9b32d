/** Which addresses are reached by request: the ranges, in every spelling, and whatever strings people send as URLs. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AddressRule from "../../src/a2a/AddressRule.ts"
import { refusalOfUrl } from "../../src/a2a/GuardedDispatcher.ts"
import { runs } from "../support/propertyRuns.ts"

const kinds: ReadonlyArray<readonly [AddressRule.AddressKind, ReadonlyArray<string>]> = [
  ["public", [
    "8.8.8.8",
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.0",
    "100.63.0.1",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8"
  ]],
  ["loopback", ["127.0.0.1", "127.255.0.3", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"]],
  ["private", [
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "fc00::1",
    "fd12:3456::1",
    "::ffff:10.0.0.1"
  ]],
  ["link-local", ["169.254.1.1", "fe80::1", "fe80::1%eth0"]],
  ["carrier-grade NAT", ["100.64.0.1", "100.127.255.255"]],
  ["multicast", ["224.0.0.1", "239.255.255.250", "255.255.255.255", "ff02::1"]],
  ["unspecified", ["0.0.0.0", "0.1.2.3", "::"]],
  ["cloud metadata", [
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "100.100.100.200",
    "fd00:ec2::254",
    "::ffff:169.254.169.254"
  ]],
  ["reserved", [
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.0.0.1",
    "2001:db8::1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:a00:1::",
    "2001::1",
    "100::1",
    "fec0::1",
    "4000::1"
  ]],
  ["unknown", ["", "localhost", "1.2.3.4.5", "::g"]]
]
const isRefusedByDefault = (kind: AddressRule.AddressKind) => kind !== "public"

const rule = (...patterns: ReadonlyArray<string>) =>
  AddressRule.forListener("0.0.0.0", patterns.map((text) => Result.getOrThrow(AddressRule.parsePattern(text))))
const allows = (some: AddressRule.AddressRule, url: string, address: string) =>
  AddressRule.refusedKind(some, Result.getOrThrow(AddressRule.placeOf(url)), address) === undefined

describe("an address rule", () => {
  for (const [kind, addresses] of kinds) {
    it(`knows ${kind} addresses`, () => {
      for (const address of addresses) {
        assert.strictEqual(AddressRule.kindOf(address), kind, address)
        assert.strictEqual(allows(rule(), "http://host/", address), !isRefusedByDefault(kind), address)
        assert.isTrue(allows(AddressRule.any, "http://host/", address))
      }
    })
  }

  it("allows loopback to an agent that listens there, and nothing else for that", () => {
    for (const host of ["127.0.0.1", "::1", "[::1]", "localhost", "127.0.0.2"]) {
      assert.isTrue(allows(AddressRule.forListener(host), "http://x/", "127.0.0.1"), host)
      assert.isFalse(allows(AddressRule.forListener(host), "http://x/", "10.0.0.1"), host)
    }
    for (const host of ["0.0.0.0", "::", "192.168.0.5", "example.org"]) {
      assert.isFalse(allows(AddressRule.forListener(host), "http://x/", "127.0.0.1"), host)
    }
  })

  it("allows what its patterns say, and no more", () => {
    const cases: ReadonlyArray<readonly [string, string, string, boolean]> = [
      ["172.16.0.0/12", "http://purple:9009/", "172.18.0.3", true],
      ["172.16.0.0/12", "http://purple:9009/", "::ffff:172.18.0.3", true],
      ["::ffff:172.16.0.0/108", "http://purple:9009/", "172.18.0.3", true],
      ["172.16.0.0/12", "http://purple:9009/", "10.0.0.1", false],
      ["fd00::/8", "http://purple/", "fd00::7", true],
      ["fd00::/8", "http://purple/", "10.0.0.1", false],
      ["10.0.0.5", "http://x/", "10.0.0.5", true],
      ["10.0.0.5", "http://x/", "10.0.0.6", false],
      ["[::1]", "http://x/", "::1", true],
      ["purple", "http://PURPLE.:9009/", "10.0.0.1", true],
      ["Purple", "http://purple/", "10.0.0.1", true],
      ["purple", "http://purple.example/", "10.0.0.1", false],
      ["purple:9009", "http://purple:9009/", "10.0.0.1", true],
      ["purple:9009", "http://purple:9010/", "10.0.0.1", false],
      ["purple:80", "http://purple/", "10.0.0.1", true],
      ["127.0.0.1:9009", "http://127.0.0.1:9009/", "127.0.0.1", true],
      ["127.0.0.1:9009", "http://127.0.0.1:9010/", "127.0.0.1", false],
      ["any", "http://x/", "169.254.169.254", true]
    ]
    for (const [pattern, url, address, expected] of cases) {
      assert.strictEqual(allows(rule(pattern), url, address), expected, `${pattern} ${url} ${address}`)
    }
    for (const text of ["", " ", "http://purple/", "a b", "purple:", "purple:x", "u@h", "10.0.0.0/33", "a/b", "*"]) {
      assert.isTrue(Result.isFailure(AddressRule.parsePattern(text)), text)
    }
  })

  const refusals: ReadonlyArray<readonly [string, RegExp]> = [
    [
      "http://10.1.2.3:9009/",
      /10\.1\.2\.3 is a private address.*--allow-participant 10\.1\.2\.3 \(or CAMPAIGN_ALLOW_PARTICIPANT=10\.1\.2\.3\)/
    ],
    ["http://2130706433/", /127\.0\.0\.1 is a loopback address/],
    ["http://0x7f.1/", /127\.0\.0\.1 is a loopback/],
    ["http://0177.0.0.1/", /127\.0\.0\.1 is a loopback/],
    ["http://127.1/", /loopback/],
    ["http://[::ffff:169.254.169.254]/", /cloud metadata/],
    ["http://[::]/", /unspecified/],
    ["http://0/", /unspecified/],
    ["http://127。0。0。1/", /loopback/],
    ["http://localhost/", /localhost resolves to (127\.0\.0\.1|::1), a loopback address/],
    ["http://localhost./", /resolves to .* a loopback/],
    ["http://user:secret@8.8.8.8/", /^it holds a user name or a password$/],
    ["file:///etc/passwd", /only http and https/],
    ["gopher://8.8.8.8/", /only http and https/],
    ["nowhere", /not a URL/]
  ]
  for (const [url, expected] of refusals) {
    it.live(`refuses ${url}`, () => Effect.map(refusalOfUrl(rule(), url), (line) => assert.match(line ?? "", expected)))
  }
  it.live("lets public addresses pass", () =>
    Effect.map(refusalOfUrl(rule(), "https://8.8.8.8/"), (line) => assert.isUndefined(line)))

  const byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
  const spellings = (bytes: ReadonlyArray<number>): ReadonlyArray<string> => {
    const [a, b, c, d] = bytes as [number, number, number, number]
    const whole = ((a * 256 + b) * 256 + c) * 256 + d
    return [
      `${a}.${b}.${c}.${d}`,
      String(whole),
      `0x${whole.toString(16)}`,
      `0${a.toString(8)}.0x${b.toString(16)}.${c * 256 + d}`,
      `[::ffff:${a}.${b}.${c}.${d}]`,
      `${a}.${b}.${c}.${d}.`
    ]
  }

  it.prop("judges an address alike in every spelling, by the ranges as they are registered", [
    Schema.Tuple([byte, byte, byte, byte])
  ], ([bytes]) => {
    const [a, b] = bytes
    const isLocal = a === 10 || a === 127 || a === 0 || a >= 224 || (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168) ||
      (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128) || (a === 198 && (b === 18 || b === 19))
    for (const host of spellings(bytes)) {
      const place = Result.getOrThrow(AddressRule.placeOf(`http://${host}:81/`))
      assert.isTrue(AddressRule.isAddress(place.host), host)
      const refused = AddressRule.refusedKind(rule(), place, place.host) !== undefined
      assert.isTrue(!isLocal || refused, host)
      assert.strictEqual(refused, AddressRule.refusedKind(rule(), place, bytes.join(".")) !== undefined, host)
    }
  }, runs)

  it.prop(
    "never throws, whatever is taken for a URL, a pattern or an address",
    [Schema.String, Schema.String],
    ([text, other]) => {
      for (const url of [text, `http://${text}`, `http://${text}:${other}@${other}/`, `https://[${text}]/`]) {
        const place = AddressRule.placeOf(url)
        if (Result.isFailure(place)) continue
        assert.match(url.slice(0, 4), /http/i)
        AddressRule.refusedKind(rule(), place.success, other)
        if (AddressRule.isAddress(place.success.host)) {
          AddressRule.refusedKind(
            rule(),
            place.success,
            place.success.host
          )
        }
      }
      AddressRule.parsePattern(text)
      assert.strictEqual(AddressRule.kindOf(`x${text}`), "unknown")
    },
    runs
  )
})

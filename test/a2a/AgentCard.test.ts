/** The card as clients of each version read it; a2a-python's models of 0.3 and 1.x were held against it by hand. */
import { AgentCard as Card } from "@a2a-js/sdk"
import { DefaultAgentCardResolver } from "@a2a-js/sdk/client"
import { assert, describe, it } from "@effect/vitest"
import * as AgentCard from "../../src/a2a/AgentCard.ts"

const description = {
  name: "n",
  description: "d",
  version: "1",
  skill: { id: "s", name: "s", description: "d", tags: ["t"] }
} as const
const url = "http://127.0.0.1:9009/"
const open = AgentCard.make(description, url)
const guarded = AgentCard.make(description, url, AgentCard.bearerSecurity)

const interfacesOf = (card: Card) =>
  card.supportedInterfaces.map((each) => [each.protocolBinding, each.protocolVersion, each.url])

const offered = [
  ["JSONRPC", "1.0", "http://127.0.0.1:9009/"],
  ["HTTP+JSON", "1.0", "http://127.0.0.1:9009"],
  ["JSONRPC", "0.3", "http://127.0.0.1:9009/"]
]

/** What the SDK's client makes of a document, with and without its eyes for 0.3. */
const resolved = (document: unknown, legacyCompat: boolean) =>
  new DefaultAgentCardResolver({
    fetchImpl: () => Promise.resolve(Response.json(document)),
    legacyCompat: { enabled: legacyCompat }
  }).resolve(url)

describe("the document of 1.0", () => {
  it("is ProtoJSON and nothing else", () => {
    for (const card of [open, guarded]) {
      assert.deepStrictEqual(Card.toJSON(Card.fromJSON(AgentCard.toCurrentJson(card))), AgentCard.toCurrentJson(card))
      assert.deepStrictEqual(interfacesOf(card), offered)
      assert.notProperty(AgentCard.toCurrentJson(card), "url")
      assert.notProperty(AgentCard.toCurrentJson(card), "security")
    }
    assert.deepInclude(AgentCard.toCurrentJson(guarded), {
      securitySchemes: {
        bearer: {
          httpAuthSecurityScheme: { scheme: "Bearer", description: "The token that the agent was started with." }
        }
      },
      securityRequirements: [{ schemes: { bearer: {} } }]
    })
  })

  it("is what the SDK's client reads", async () => {
    const card = await resolved(AgentCard.toCurrentJson(guarded), true)
    assert.deepStrictEqual(interfacesOf(card), offered)
    assert.deepStrictEqual(card.securitySchemes["bearer"]?.scheme?.$case, "httpAuthSecurityScheme")
    assert.deepStrictEqual(interfacesOf(await resolved(AgentCard.toCurrentJson(open), false)), offered)
  })
})

describe("the document of 0.3", () => {
  it("names the interfaces of that version only, and every required field", () => {
    const document = AgentCard.toLegacyJson(guarded)
    assert.hasAllKeys(document, [
      "name",
      "description",
      "version",
      "protocolVersion",
      "url",
      "preferredTransport",
      "additionalInterfaces",
      "capabilities",
      "defaultInputModes",
      "defaultOutputModes",
      "skills",
      "securitySchemes",
      "security",
      "supportsAuthenticatedExtendedCard"
    ])
    assert.deepInclude(document, {
      protocolVersion: "0.3.0",
      url,
      preferredTransport: "JSONRPC",
      additionalInterfaces: [{ url, transport: "JSONRPC" }],
      securitySchemes: {
        bearer: { type: "http", scheme: "Bearer", description: "The token that the agent was started with." }
      },
      security: [{ bearer: [] }],
      supportsAuthenticatedExtendedCard: false
    })
    assert.hasAllKeys(document["capabilities"], ["streaming", "pushNotifications", "extensions"])
    assert.notProperty(AgentCard.toLegacyJson(open), "security")
    assert.notProperty(AgentCard.toLegacyJson(open), "securitySchemes")
  })

  it("is what the SDK's client reads as 0.3", async () => {
    const card = await resolved(AgentCard.toLegacyJson(guarded), true)
    assert.isTrue(card.supportedInterfaces.every((each) => each.protocolVersion.startsWith("0.3") && each.url === url))
    assert.deepStrictEqual(card.securityRequirements, guarded.securityRequirements)
    assert.strictEqual(card.securitySchemes["bearer"]?.scheme?.$case, "httpAuthSecurityScheme")
  })

  it("has every kind of scheme in OpenAPI's form", () => {
    const documented = (scheme: Card["securitySchemes"][string]["scheme"]) =>
      (AgentCard.toLegacyJson(AgentCard.make(description, url, {
        securitySchemes: { one: { scheme } },
        securityRequirements: [{ schemes: { one: { list: ["read"] } } }]
      }))["securitySchemes"] as any).one
    const words = { description: "" }
    assert.deepStrictEqual(
      documented({ $case: "apiKeySecurityScheme", value: { ...words, location: "header", name: "X-Key" } }),
      { type: "apiKey", in: "header", name: "X-Key" }
    )
    assert.deepStrictEqual(
      documented({ $case: "openIdConnectSecurityScheme", value: { ...words, openIdConnectUrl: "https://id" } }),
      { type: "openIdConnect", openIdConnectUrl: "https://id" }
    )
    assert.deepStrictEqual(documented({ $case: "mtlsSecurityScheme", value: words }), { type: "mutualTLS" })
    const clientCredentials = { tokenUrl: "https://t", refreshUrl: "", scopes: { read: "to read" } }
    assert.deepStrictEqual(
      documented({
        $case: "oauth2SecurityScheme",
        value: {
          ...words,
          flows: { flow: { $case: "clientCredentials", value: clientCredentials } },
          oauth2MetadataUrl: ""
        }
      }),
      { type: "oauth2", flows: { clientCredentials: { tokenUrl: "https://t", scopes: { read: "to read" } } } }
    )
  })
})

describe("the document of both", () => {
  it("holds every word of each", () => {
    for (const card of [open, guarded]) {
      const both = AgentCard.toJson(card)
      const { securitySchemes: currentSchemes, ...current } = AgentCard.toCurrentJson(card)
      const { capabilities: _, securitySchemes: legacySchemes, ...legacy } = AgentCard.toLegacyJson(card)
      assert.deepInclude(both, current)
      assert.deepInclude(both, legacy)
      if (card === guarded) {
        assert.deepInclude((both["securitySchemes"] as any).bearer, (currentSchemes as any).bearer)
        assert.deepInclude((both["securitySchemes"] as any).bearer, (legacySchemes as any).bearer)
      }
    }
  })

  it("is read in both ways", async () => {
    const both = AgentCard.toJson(guarded)
    assert.deepStrictEqual(Card.fromJSON(both), Card.fromJSON(AgentCard.toCurrentJson(guarded)))
    for (const legacyCompat of [true, false]) {
      const card = await resolved(both, legacyCompat)
      assert.deepStrictEqual(card.supportedInterfaces.map((each) => each.url), offered.map((each) => each[2]))
    }
  })
})

/** Methods that need what a card does not declare, in both versions. */
import * as errors from "@a2a-js/sdk/errors"
import { assert, describe, it } from "@effect/vitest"
import * as AgentCard from "../../src/a2a/AgentCard.ts"
import { requireCapability } from "../../src/a2a/Capabilities.ts"

const card = AgentCard.make({
  name: "n",
  description: "d",
  version: "1",
  skill: { id: "s", name: "s", description: "d", tags: ["t"] }
}, "http://localhost/")

const declaring = (all: boolean) => ({
  ...card,
  capabilities: { streaming: all, pushNotifications: all, extendedAgentCard: all, extensions: [] }
})

const needed = [
  ["SendStreamingMessage", errors.UnsupportedOperationError],
  ["SubscribeToTask", errors.UnsupportedOperationError],
  ["message/stream", errors.UnsupportedOperationError],
  ["tasks/resubscribe", errors.UnsupportedOperationError],
  ["GetExtendedAgentCard", errors.UnsupportedOperationError],
  ["agent/getAuthenticatedExtendedCard", errors.ExtendedAgentCardNotConfiguredError],
  ...["Create", "Get", "Delete"].map((verb) =>
    [`${verb}TaskPushNotificationConfig`, errors.PushNotificationNotSupportedError] as const
  ),
  ["ListTaskPushNotificationConfigs", errors.PushNotificationNotSupportedError],
  ...["set", "get", "list", "delete"].map((verb) =>
    [`tasks/pushNotificationConfig/${verb}`, errors.PushNotificationNotSupportedError] as const
  )
] as const

describe("a method that needs a capability", () => {
  for (const [method, error] of needed) {
    it(`${method} is refused without it only`, () => {
      assert.throws(() => requireCapability(declaring(false), method), error)
      assert.throws(() => requireCapability({ ...card, capabilities: undefined }, method), error)
      assert.doesNotThrow(() => requireCapability(declaring(true), method))
    })
  }
  it("is not one of those that every agent has", () => {
    for (const method of ["SendMessage", "GetTask", "ListTasks", "CancelTask", "message/send", "tasks/get", "?"]) {
      assert.doesNotThrow(() => requireCapability(declaring(false), method))
    }
  })
})

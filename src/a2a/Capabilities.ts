/**
 * What a method needs the card to declare: without it the specification demands an error of its own (1.0: 3.3.4),
 * whatever the parameters are, so that this is asked before they are looked at.
 *
 * Methods are named as in JSON-RPC, of 1.0 and of 0.3; only the extended card has another error in 0.3 (8.2 there).
 */
import type { AgentCard } from "@a2a-js/sdk"
import {
  ExtendedAgentCardNotConfiguredError,
  PushNotificationNotSupportedError,
  UnsupportedOperationError
} from "@a2a-js/sdk/errors"

/** Throws the error for a method whose capability the card does not declare. */
export const requireCapability = ({ capabilities }: AgentCard, method: string): void => {
  switch (method) {
    case "SendStreamingMessage":
    case "SubscribeToTask":
    case "message/stream":
    case "tasks/resubscribe":
      if (capabilities?.streaming !== true) throw new UnsupportedOperationError("This agent does not stream.")
      return
    case "GetExtendedAgentCard":
      if (capabilities?.extendedAgentCard !== true) {
        throw new UnsupportedOperationError("This agent has no extended card.")
      }
      return
    case "agent/getAuthenticatedExtendedCard":
      if (capabilities?.extendedAgentCard !== true) {
        throw new ExtendedAgentCardNotConfiguredError("This agent has no extended card.")
      }
      return
    case "CreateTaskPushNotificationConfig":
    case "GetTaskPushNotificationConfig":
    case "ListTaskPushNotificationConfigs":
    case "DeleteTaskPushNotificationConfig":
    case "tasks/pushNotificationConfig/set":
    case "tasks/pushNotificationConfig/get":
    case "tasks/pushNotificationConfig/list":
    case "tasks/pushNotificationConfig/delete":
      if (capabilities?.pushNotifications !== true) {
        throw new PushNotificationNotSupportedError("This agent sends no push notifications.")
      }
  }
}

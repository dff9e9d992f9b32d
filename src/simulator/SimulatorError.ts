/**
 * Why a simulator did not start; nothing else can fail: once it runs, bad requests are answered over HTTP.
 *
 * One outer error with a tagged reason. The message of each is one line for a terminal.
 */
import * as Schema from "effect/Schema"

export class PortInUse extends Schema.TaggedError<PortInUse>()("PortInUse", {
  host: Schema.String,
  port: Schema.Int
}) {
  override get message() {
    return `port ${this.port} on ${this.host} is already in use`
  }
}

export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  host: Schema.String,
  port: Schema.Int,
  detail: Schema.String
}) {
  override get message() {
    return `cannot listen on port ${this.port} of ${this.host}: ${this.detail}`
  }
}

export class InvalidOptions extends Schema.TaggedError<InvalidOptions>()("InvalidOptions", {
  detail: Schema.String
}) {
  override get message() {
    return `invalid simulator options: ${this.detail}`
  }
}

export class SimulatorError extends Schema.TaggedError<SimulatorError>()("SimulatorError", {
  reason: Schema.Union([PortInUse, CannotListen, InvalidOptions])
}) {
  override get message() {
    return this.reason.message
  }
}

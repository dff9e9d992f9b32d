/**
 * Why a simulator did not start; nothing else can fail: once it runs, bad requests are answered over HTTP.
 *
 * One outer error with a tagged reason. The message of each is one line for a terminal.
 */
import * as Schema from "effect/Schema"

/** Somebody else listens there. */
export class PortInUse extends Schema.TaggedError<PortInUse>()("PortInUse", {
  /** The address asked for. */
  host: Schema.String,
  /** The port asked for. */
  port: Schema.Int
}) {
  override get message() {
    return `port ${this.port} on ${this.host} is already in use`
  }
}

/** The system does not let us listen there. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  /** The address asked for. */
  host: Schema.String,
  /** The port asked for. */
  port: Schema.Int,
  /** What the system said. */
  detail: Schema.String
}) {
  override get message() {
    return `cannot listen on port ${this.port} of ${this.host}: ${this.detail}`
  }
}

/** The options are wrong. */
export class InvalidOptions extends Schema.TaggedError<InvalidOptions>()("InvalidOptions", {
  /** Which, and what was expected. */
  detail: Schema.String
}) {
  override get message() {
    return `invalid simulator options: ${this.detail}`
  }
}

/** Why there is no simulator. `reason` says it by cases. */
export class SimulatorError extends Schema.TaggedError<SimulatorError>()("SimulatorError", {
  /** What went wrong. */
  reason: Schema.Union([PortInUse, CannotListen, InvalidOptions])
}) {
  override get message() {
    return this.reason.message
  }
}

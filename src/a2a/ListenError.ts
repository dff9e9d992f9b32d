/**
 * A server of ours that could not listen.
 *
 * Its message is one clear line that names the address, what is wrong with it and what to do.
 */
import * as Schema from "effect/Schema"

/** The server could not listen. */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  /** The address it should have listened on. */
  host: Schema.String,
  /** The port it should have listened at. */
  port: Schema.Int,
  /** Why it could not. */
  reason: Schema.TaggedUnion({
    /** Somebody else listens there. */
    PortInUse: {},
    /** The system reserves the port. */
    NoPermission: {},
    /** It is no address of this machine. */
    NoSuchAddress: {},
    /** Anything else, in the words of the system. */
    Other: { detail: Schema.String }
  })
}) {
  /** From what the server failed with. */
  static fromCause(host: string, port: number, cause: unknown): ListenError {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined
    const { NoPermission, NoSuchAddress, Other, PortInUse } = ListenError.fields.reason.cases
    return new ListenError({
      host,
      port,
      reason: code === "EADDRINUSE"
        ? PortInUse.make({})
        : code === "EACCES"
        ? NoPermission.make({})
        : code === "EADDRNOTAVAIL" || code === "ENOTFOUND"
        ? NoSuchAddress.make({})
        : Other.make({ detail: cause instanceof Error ? cause.message : String(cause) })
    })
  }

  override get message(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "PortInUse":
        return `port ${this.port} on ${this.host} is already in use; choose another with --port, or 0 for any free one`
      case "NoPermission":
        return `not allowed to listen on port ${this.port}; choose one above 1023 with --port`
      case "NoSuchAddress":
        return `${this.host} is not an address of this machine; use --host 127.0.0.1, or 0.0.0.0 for all`
      case "Other":
        return `cannot listen on ${this.host}:${this.port}: ${reason.detail}`
    }
  }
}

import { z } from 'zod'
import { parseByteRate, parseByteSize } from './byte-size.ts'
import { parseDurationMs } from './duration.ts'

// Every message is `what is wrong; what to do`. No message repeats a value that may be a secret.

/** The message for a value that is there; a missing one is said to be missing. */
export function unlessMissing(message: string) {
  return ({ input }: { readonly input?: unknown }) => (input === undefined ? undefined : message)
}

/** A label that appears in commands, application names and keys. */
export const nameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'not a name; use a to z, 0 to 9 and hyphens, a letter first, at most 63')
  .meta({ description: 'A name: a to z, 0 to 9 and hyphens, a letter first, at most 63 characters.' })

export const idSchema = (prefix: 'est' | 'cmp' | 'mbr' | 'hst') =>
  z
    .string()
    .regex(
      new RegExp(`^${prefix}_[a-z0-9]{6,32}$`),
      `not an id; write ${prefix}_ and 6 to 32 of a to z and 0 to 9, and never change or reuse it`,
    )
    .meta({ description: `An immutable id: ${prefix}_ and 6 to 32 of a to z and 0 to 9.` })

const durationForm = /^P(?=.)(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d{1,3})?S)?)?$/

/** Zero is allowed: it says "none". */
export const durationOrZeroSchema = z
  .string()
  .regex(
    durationForm,
    'not a duration; write weeks, days, hours, minutes or seconds as ISO 8601, for example PT1H or P35D',
  )
  .refine(
    (text) => !durationForm.test(text) || parseDurationMs(text) !== undefined,
    'too long; write a shorter duration',
  )
  .meta({ description: 'ISO 8601 duration of fixed length (W, D, H, M, S), for example PT1H.' })

export const durationSchema = durationOrZeroSchema
  .refine(
    (text) => parseDurationMs(text) !== 0,
    'zero makes no sense here; write a duration above zero, for example PT30S',
  )
  .meta({ description: 'ISO 8601 duration of fixed length (W, D, H, M, S) above zero, for example PT1H.' })

export const byteSizeSchema = z
  .string()
  .refine(
    (text) => (parseByteSize(text) ?? 0) > 0,
    'not a size above zero; write a number and a unit, for example 500 GiB',
  )
  .meta({ description: 'A size: number and unit (B, kB … PB, KiB … PiB), for example 500 GiB.' })

export const byteRateSchema = z
  .string()
  .refine(
    (text) => (parseByteRate(text) ?? 0) > 0,
    'not a rate above zero; write a size a second, for example 200 MiB/s',
  )
  .meta({ description: 'Bytes a second: number, unit and /s, for example 200 MiB/s.' })

export const portSchema = z
  .int({ error: unlessMissing('not a port; write a whole number from 1 to 65535') })
  .min(1, 'not a port; write a number from 1 to 65535')
  .max(65_535, 'not a port; write a number from 1 to 65535')
  .meta({ description: 'A TCP port, 1 to 65535.' })

/** IPv4, IPv6 or a host name. Brackets, ports, spaces and options are none. */
export const addressSchema = z
  .string()
  .regex(
    /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$/,
    'not an address; write an IP address (safest in a disaster) or a host name, without a port',
  )
  .meta({ description: 'An IP address or a host name, without a port.' })

export const absolutePathSchema = z
  .string()
  .regex(
    // oxlint-disable-next-line no-control-regex -- a NUL or newline in a path is what this refuses
    /^\/(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\u0000-\u001f]{1,1023}$/,
    'not an absolute path; start it with / and leave out . and .. parts',
  )
  .meta({ description: 'An absolute path without . and .. parts.' })

/** A literal secret is refused without repeating it. */
export const secretReferenceSchema = z
  .string()
  .regex(
    // oxlint-disable-next-line no-control-regex -- as above
    /^(?:env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:\/(?!.*\/\.{1,2}(?:\/|$))[^\u0000-\u001f]{1,1023})$/,
    'a secret is never written here; put it in the environment or a file, and write env:NAME or file:/absolute/path',
  )
  .meta({ description: 'Where a secret is found: env:NAME or file:/absolute/path.' })

export const textSchema = z
  .string()
  .refine((text) => text.trim() !== '', 'blank; write a text or leave the key out')
  .refine((text) => text.length <= 2000, 'longer than 2,000 characters; write it shorter')
  .meta({ description: 'A text, not blank, at most 2,000 characters.' })

export const countSchema = (least: number, most: number) =>
  z
    .int({ error: unlessMissing(`not a whole number; write a number from ${least} to ${most}`) })
    .min(least, `too small; write a number from ${least} to ${most}`)
    .max(most, `too large; write a number from ${least} to ${most}`)

export const timeZoneSchema = z
  .string()
  .refine(isTimeZone, 'not a time zone; write an IANA name, for example Europe/Berlin or UTC')
  .meta({ description: 'An IANA time zone, for example Europe/Berlin.' })

function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== ''
  } catch {
    // RangeError is how Intl says that it does not know the zone.
    return false
  }
}

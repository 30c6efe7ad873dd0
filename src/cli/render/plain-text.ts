/**
 * Text from estates, servers and journals, safe to print: control characters (they can move the cursor and rewrite what was shown)
 * and bidirectional overrides become visible escapes.
 */
export function plainText(text: string): string {
  return text.replaceAll(
    // eslint-disable-next-line no-control-regex -- finding control characters is the point
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

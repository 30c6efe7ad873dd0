/** Version of the product; part of every plan and handshake. Kept equal to package.json by test/tidy. */
export const productVersion = '0.1.0'

/**
 * Other releases whose open runs a release may take over: every procedure, action and observation that their plans name means the same there.
 * A release adds itself only after the resume of a run of each of them was rehearsed.
 */
const compatibleReleases: Readonly<Record<string, readonly string[]>> = { '0.1.0': [] }

export function executesPlansOf(
  other: string,
  own: string = productVersion,
  compatible: Readonly<Record<string, readonly string[]>> = compatibleReleases,
): boolean {
  return other === own || (compatible[own] ?? []).includes(other)
}

/** Version of the product; part of every plan and handshake. Kept equal to package.json by test/tidy. */
export const productVersion = '0.1.0'

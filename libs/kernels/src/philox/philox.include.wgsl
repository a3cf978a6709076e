// philox.include — Philox 4x32: four random words of a counter under a key, the same anywhere and in any order
// Method:   counter-based: each round multiplies two words of the counter and mixes the key into the high halves
// Source:   Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011); libs/core has the same
// Checked:  test/philox.spec.ts, known answers of Random123, to the bit
const PHILOX_M0 = 0xd2511f53u;
const PHILOX_M1 = 0xcd9e8d57u;
const PHILOX_W = vec2u(0x9e3779b9u, 0xbb67ae85u);

// WGSL has no high half of a product: it is put together from products of 16-bit halves, none of which overflows.
fn multiply_high(a: u32, b: u32) -> u32 {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  let cross = a_low * b_high + (middle & 0xffffu);
  return a_high * b_high + (middle >> 16u) + (cross >> 16u);
}

// Philox 4x32-10 has 10 rounds, which the caller multiplies by groups.z: compilers unroll a loop of known length.
fn philox4x32(counter: vec4u, key: vec2u, rounds: u32) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < rounds; round++) {
    let high0 = multiply_high(PHILOX_M0, c.x);
    let high1 = multiply_high(PHILOX_M1, c.z);
    c = vec4u(high1 ^ c.y ^ k.x, PHILOX_M1 * c.z, high0 ^ c.w ^ k.y, PHILOX_M0 * c.x);
    k += PHILOX_W;
  }
  return c;
}

// half_stores.include — numbers as they are stored in f16
// Method:   the adapter's conversion, which is to the nearest on all known ones; but what lies beyond f16 becomes
//           infinite, which WGSL leaves open: the overflow of a gradient must be seen
// Source:   WGSL, 15.7.6: conversions of floating-point numbers; CPU twin roundToFloat16 of libs/tensor
// Checked:  test/half-stores.spec.ts, and with the shaders that store f16
fn stored_half(value: f32) -> f16 {
  let infinite = bitcast<vec2<f16>>(select(0x7c00u, 0xfc00u, value < 0.0)).x;
  return select(f16(value), infinite, abs(value) >= 65520.0);
}

fn stored_half4(value: vec4f) -> vec4<f16> {
  let signs = select(vec4u(0x7c00u), vec4u(0xfc00u), value < vec4f());
  let infinite = vec4<f16>(
    bitcast<vec2<f16>>(signs.x).x, bitcast<vec2<f16>>(signs.y).x,
    bitcast<vec2<f16>>(signs.z).x, bitcast<vec2<f16>>(signs.w).x,
  );
  return select(vec4<f16>(value), infinite, abs(value) >= vec4f(65520.0));
}

#expand rmsnorm_forward_short short pack=vec4f width=4
#expand rmsnorm_forward_short_odd short odd pack=f32 width=1
#expand rmsnorm_forward_middle middle pack=vec4f width=4
#expand rmsnorm_forward_middle_odd middle odd pack=f32 width=1
#expand rmsnorm_forward_long long pack=vec4f width=4
#expand rmsnorm_forward_long_odd long odd pack=f32 width=1
// ${name} — y = x rstd weight, rstd = 1 / sqrt(mean(x²) + eps), per row
// Shapes:   x[N,C] weight[C] -> y[N,C] rstd[N]
#if short
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
#else
#if middle
// Dispatch: one workgroup of WG invocations per row; needs: 4 C bytes of workgroup memory
#else
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
#end
#end
#if short
// Method:   a row is held in registers, K packs by each of its lanes
#else
#if middle
// Method:   a row is held in workgroup memory
#else
// Method:   nothing is held: x read twice
#end
#end
// Source:   Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; OneFlow 0.9 rms_norm.cuh; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
// In f16:   x_NC y_NC
#if short
enable subgroups;
#end
@group(0) @binding(0) var<storage, read> x_NC: array<${pack}>; // [N,C] input, in packs as all below
@group(0) @binding(1) var<storage, read> weight_C: array<${pack}>; // [C] scale
@group(0) @binding(2) var<storage, read_write> y_NC: array<${pack}>; // [N,C] output
@group(0) @binding(3) var<storage, read_write> rstd_N: array<f32>; // [N] kept for the backward
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override EPSILON: f32;
#if short
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
#end
alias Pack = ${pack};
override PACKS: u32 = C / ${width}u; // of a row
#if middle
var<workgroup> kept: array<Pack, PACKS>;
#end

// include row_reduction

#if short
fn load(start: u32, i: u32) -> Pack {
  if (i < PACKS) {
    return x_NC[start + i];
  }
  return Pack();
}

#end
fn store(start: u32, i: u32, normalised: Pack) {
  if (i < PACKS) {
    y_NC[start + i] = normalised * weight_C[i];
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = first_group + group.y * groups.x + group.x;
#if short
  // Lanes of rows beyond the last one work on that again, since shuffles need them, and store nothing.
  let own_row = index * (WG / R) + lane / R;
  let row = min(own_row, N - 1u);
  let first = lane % R;
#else
  // Uniform in the workgroup, so the barriers below stay legal.
  let row = index;
  if (row >= N) {
    return;
  }
  let first = lane;
#end
  let start = row * PACKS;
  var squares = 0.0;
#if short
#for j 8
  var x${j} = Pack();
#end
#for j 8
  if (${j}u < K) { x${j} = load(start, first + ${j}u * R); squares += total(x${j} * x${j}); }
#end
#else
  for (var i = first; i < PACKS; i += WG) {
    let x = x_NC[start + i];
#if middle
    kept[i] = x;
#end
    squares += total(x * x);
  }
#end
  let rstd = 1.0 / sqrt(row_sum(squares, lane) / f32(C) + EPSILON);
#if short
  if (own_row >= N) {
    return;
  }
#end
#if short
#for j 8
  if (${j}u < K) { store(start, first + ${j}u * R, x${j} * rstd); }
#end
#else
  for (var i = first; i < PACKS; i += WG) {
#if middle
    let x = kept[i];
#else
    let x = x_NC[start + i];
#end
    store(start, i, x * rstd);
  }
#end
  if (first == 0u) {
    rstd_N[row] = rstd;
  }
}

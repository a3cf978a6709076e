#expand rmsnorm_backward_input_short short pack=vec4f width=4
#expand rmsnorm_backward_input_short_odd short odd pack=f32 width=1
#expand rmsnorm_backward_input_middle middle pack=vec4f width=4
#expand rmsnorm_backward_input_middle_odd middle odd pack=f32 width=1
#expand rmsnorm_backward_input_long long pack=vec4f width=4
#expand rmsnorm_backward_input_long_odd long odd pack=f32 width=1
// ${name} — dx = rstd (g - n mean(g n)) (+ residual), g = dy * weight, n = x rstd
// Shapes:   dy[N,C] x[N,C] weight[C] rstd[N] residual[N,C] -> dx[N,C]
#if short
// Dispatch: R lanes of a subgroup per row, WG / R rows per workgroup; needs: subgroups of R lanes at least
#else
#if middle
// Dispatch: one workgroup of WG invocations per row; needs: 8 C bytes of workgroup memory
#else
// Dispatch: one workgroup of WG invocations per row; needs: f32 only
#end
#end
#if short
// Method:   g and n are held in registers, K packs by each lane of the row
#else
#if middle
// Method:   g and n are held in workgroup memory
#else
// Method:   nothing is held: dy, x and weight read twice
#end
#end
// Source:   derivative of Zhang & Sennrich 2019 (arXiv:1910.07467) eq. 4; CPU twin rmsnorm.cpu.ts
// Checked:  test/rows.spec.ts, (8 + sqrt(C)) 2^-23 of the largest entry vs f64
// In f16:   dy_NC x_NC residual_NC dx_NC
#if short
enable subgroups;
#end
@group(0) @binding(0) var<storage, read> dy_NC: array<${pack}>; // [N,C] gradient of the output, in packs as all below
@group(0) @binding(1) var<storage, read> x_NC: array<${pack}>; // [N,C] input of the forward
@group(0) @binding(2) var<storage, read> weight_C: array<${pack}>; // [C] scale
@group(0) @binding(3) var<storage, read> rstd_N: array<f32>; // [N] 1 / sqrt(mean(x²) + eps)
@group(0) @binding(4) var<storage, read> residual_NC: array<${pack}>; // [N,C] read only if RESIDUAL
@group(0) @binding(5) var<storage, read_write> dx_NC: array<${pack}>; // [N,C] gradient of the input
@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch

override WG: u32;
override N: u32;
override C: u32;
override RESIDUAL: u32;
#if short
override R: u32; // lanes of a row, a power of two
override K: u32; // packs of a lane, 8 at most
#end
alias Pack = ${pack};
override PACKS: u32 = C / ${width}u; // of a row
#if middle
var<workgroup> kept_g: array<Pack, PACKS>;
var<workgroup> kept_n: array<Pack, PACKS>;
#end

// include row_reduction

fn store(start: u32, i: u32, dx: Pack) {
  if (i < PACKS && RESIDUAL == 1u) {
    dx_NC[start + i] = dx + residual_NC[start + i];
  } else if (i < PACKS) {
    dx_NC[start + i] = dx;
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
  let rstd = rstd_N[row];
  var sums_gn = Pack();
#if short
#for j 8
  var g${j} = Pack();
  var n${j} = Pack();
#end
#for j 8
  if (${j}u < K && first + ${j}u * R < PACKS) {
    g${j} = dy_NC[start + first + ${j}u * R] * weight_C[first + ${j}u * R];
    n${j} = x_NC[start + first + ${j}u * R] * rstd;
  }
#end
#for j 8
  if (${j}u < K) { sums_gn += g${j} * n${j}; }
#end
#else
  for (var i = first; i < PACKS; i += WG) {
    let g = dy_NC[start + i] * weight_C[i];
    let n = x_NC[start + i] * rstd;
#if middle
    kept_g[i] = g;
    kept_n[i] = n;
#end
    sums_gn += g * n;
  }
#end
  let mean_gn = row_sum(total(sums_gn), lane) / f32(C);
#if short
  if (own_row >= N) {
    return;
  }
#end
#if short
#for j 8
  if (${j}u < K) { store(start, first + ${j}u * R, rstd * (g${j} - n${j} * mean_gn)); }
#end
#else
  for (var i = first; i < PACKS; i += WG) {
#if middle
    let g = kept_g[i];
    let n = kept_n[i];
#else
    let g = dy_NC[start + i] * weight_C[i];
    let n = x_NC[start + i] * rstd;
#end
    store(start, i, rstd * (g - n * mean_gn));
  }
#end
}

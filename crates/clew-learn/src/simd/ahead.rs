//! Asks for memory before it is needed, where the processor cannot guess the place.

/// Has the element of `from` at `place` brought near, if there is one. Nothing but time depends on it.
#[inline(always)]
pub(crate) fn prefetch<T>(from: &[T], place: usize) {
    #[cfg(target_arch = "x86_64")]
    super::x86::prefetch(from, place);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (from, place);
}

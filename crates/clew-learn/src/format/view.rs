//! A typed window into a model file that keeps the file open.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use super::Element;

/// A section's numbers, in place; derefs to `[T]`. Clones share the file.
#[derive(Clone)]
pub struct View<T> {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    offset: usize,
    length: usize,
    element: PhantomData<T>,
}

impl<T: Element> View<T> {
    pub(super) fn new(bytes: Arc<dyn AsRef<[u8]> + Send + Sync>, offset: usize, length: usize) -> View<T> {
        View { bytes, offset, length, element: PhantomData }
    }
}

impl<T: Element> Deref for View<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // Both were checked when the view was made; a source that changes under us shows as empty.
        let bytes = (*self.bytes).as_ref().get(self.offset..self.offset + self.length).unwrap_or(&[]);
        bytemuck::try_cast_slice(bytes).unwrap_or(&[])
    }
}

impl<T: Element + std::fmt::Debug> std::fmt::Debug for View<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// A copy of a file whose base is aligned for every element type.
pub(super) struct Aligned {
    words: Vec<u64>,
    length: usize,
}

impl Aligned {
    pub(super) fn copy(bytes: &[u8]) -> Arc<dyn AsRef<[u8]> + Send + Sync> {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)];
        for (slot, byte) in bytemuck::cast_slice_mut(&mut words).iter_mut().zip(bytes) {
            *slot = *byte;
        }
        Arc::new(Aligned { words, length: bytes.len() })
    }
}

impl AsRef<[u8]> for Aligned {
    fn as_ref(&self) -> &[u8] {
        let bytes: &[u8] = bytemuck::cast_slice(&self.words);
        bytes.get(..self.length).unwrap_or(bytes)
    }
}

//! Memory that is given back to the system is expensive to get again.
//!
//! A forward pass takes and returns blocks of some megabytes all the time. By default glibc maps
//! each of them anew, and every page of it faults once: a seventh of a pass on two cores. So
//! blocks stay in the heap until the program ends.

/// Tells the allocator to keep what it has. Does nothing where the allocator is not glibc's.
pub(super) fn keep() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const GIGABYTE: libc::c_int = 1 << 30;
        // SAFETY: `mallopt` sets numbers of the allocator and may be called at any time; a
        // setting that it refuses changes nothing.
        unsafe {
            // Blocks under a gigabyte come from the heap, which keeps as much.
            libc::mallopt(libc::M_MMAP_THRESHOLD, GIGABYTE);
            libc::mallopt(libc::M_TRIM_THRESHOLD, GIGABYTE);
            // The heaps of other threads end at 64 MB.
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}

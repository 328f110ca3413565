;; Lists a folder into a memory of its own, for listings.py: WASI writes into the memory of the module that calls it.
(module
  (import "wasi" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 2)

  ;; The entries from ``cookie`` on are at 65536, at most as many bytes; how many there are is at 0.
  (func (export "list") (param $folder i32) (param $cookie i64) (result i32)
    (call $fd_readdir (local.get $folder) (i32.const 65536) (i32.const 65536) (local.get $cookie) (i32.const 0))))

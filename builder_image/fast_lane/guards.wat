;; Stands between the app's libc and WASI while the app is imported.
;;
;; 1. What the machine's file system says beside names and contents (device, inode, links, times) is made constant: it would
;;    end up in the component's memory, and the same source would give other bytes on another machine.
;; 2. Folders are mounted for reading only. An app that writes there is refused: componentize-py lets it write, so
;;    componentize-py shall build it. Only bytecode, which CPython tries to keep, is answered as on a read-only disk.
;;
;; Layouts: WASI preview 1, witx/typenames.witx (filestat 64 bytes; subscription 48 bytes, event 32). Listings of folders are made constant by listings.py.
(module
  (import "memory" "memory" (memory 1))
  (export "memory" (memory 0)) ;; the host's WASI functions look for the memory of who calls them

  (import "wasi" "path_filestat_get" (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi" "fd_filestat_get" (func $fd_filestat_get (param i32 i32) (result i32)))
  (import "wasi" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "lane" "refuse_write" (func $refuse_write))
  (import "lane" "refuse_wait" (func $refuse_wait))
  (import "lane" "wait_for_bytecode" (func $wait_for_bytecode (param i32 i32 i32)))

  (func $constant_stat (param $stat i32)
    (i64.store offset=0 (local.get $stat) (i64.const 1))  ;; dev
    (i64.store offset=8 (local.get $stat) (i64.const 1))  ;; ino
    (i64.store offset=24 (local.get $stat) (i64.const 1)) ;; nlink
    (if (i32.eq (i32.load8_u offset=16 (local.get $stat)) (i32.const 3)) ;; a folder: its size is its file system's
      (then (i64.store offset=32 (local.get $stat) (i64.const 4096))))
    (i64.store offset=40 (local.get $stat) (i64.const 1577836800000000000))  ;; atim: 2020-01-01
    (i64.store offset=48 (local.get $stat) (i64.const 1577836800000000000))  ;; mtim
    (i64.store offset=56 (local.get $stat) (i64.const 1577836800000000000))) ;; ctim

  (func (export "path_filestat_get") (param $fd i32) (param $flags i32) (param $path i32) (param $size i32)
        (param $stat i32) (result i32)
    (local $errno i32)
    (local.set $errno (call $path_filestat_get
      (local.get $fd) (local.get $flags) (local.get $path) (local.get $size) (local.get $stat)))
    (if (i32.eqz (local.get $errno)) (then (call $constant_stat (local.get $stat))))
    (local.get $errno))

  (func (export "fd_filestat_get") (param $fd i32) (param $stat i32) (result i32)
    (local $errno i32)
    (local.set $errno (call $fd_filestat_get (local.get $fd) (local.get $stat)))
    (if (i32.eqz (local.get $errno)) (then (call $constant_stat (local.get $stat))))
    (local.get $errno))

  ;; Whether a path has a part that is "__pycache__", or a name with ".cpython-312.pyc": bytecode that is made
  ;; beforehand lies in folders that are mounted as "__pycache__".
  (func $is_bytecode (param $path i32) (param $size i32) (result i32)
    (local $end i32)
    (local.set $end (i32.sub (i32.add (local.get $path) (local.get $size)) (i32.const 11)))
    (block $no
      (loop $next
        (br_if $no (i32.gt_s (local.get $path) (local.get $end)))
        (if (i32.and
              (i64.eq (i64.load (local.get $path)) (i64.const 0x68636163_79705f5f))          ;; "__pycach"
              (i32.eq (i32.and (i32.load offset=8 (local.get $path)) (i32.const 0xffffff)) (i32.const 0x5f5f65))) ;; "e__"
          (then (return (i32.const 1))))
        (if (i32.and
              (i64.eq (i64.load (local.get $path)) (i64.const 0x6e6f6874_7970632e))           ;; ".cpython"
              (i64.eq (i64.load offset=8 (local.get $path)) (i64.const 0x6379702e_3231332d))) ;; "-312.pyc"
          (then (return (i32.const 1))))
        (local.set $path (i32.add (local.get $path) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  (func $read_only (param $path i32) (param $size i32) (result i32)
    (if (i32.eqz (call $is_bytecode (local.get $path) (local.get $size))) (then (call $refuse_write)))
    (i32.const 69)) ;; errno rofs

  ;; oflags: creat 1, excl 4, trunc 8; rights: fd_write 64, fd_allocate 256, fd_filestat_set_size 1 << 22.
  (func (export "path_open") (param $fd i32) (param $dirflags i32) (param $path i32) (param $size i32)
        (param $oflags i32) (param $rights i64) (param $inheriting i64) (param $fdflags i32) (param $opened i32)
        (result i32)
    (if (i32.or
          (i32.and (local.get $oflags) (i32.const 13))
          (i64.ne (i64.and (local.get $rights) (i64.const 0x400140)) (i64.const 0)))
      (then (return (call $read_only (local.get $path) (local.get $size)))))
    (if (call $is_bytecode (local.get $path) (local.get $size))
      (then (call $wait_for_bytecode (local.get $fd) (local.get $path) (local.get $size))))
    (call $path_open (local.get $fd) (local.get $dirflags) (local.get $path) (local.get $size) (local.get $oflags)
      (local.get $rights) (local.get $inheriting) (local.get $fdflags) (local.get $opened)))

  (func (export "path_create_directory") (param $fd i32) (param $path i32) (param $size i32) (result i32)
    (call $read_only (local.get $path) (local.get $size)))
  (func (export "path_unlink_file") (param $fd i32) (param $path i32) (param $size i32) (result i32)
    (call $read_only (local.get $path) (local.get $size)))
  (func (export "path_remove_directory") (param $fd i32) (param $path i32) (param $size i32) (result i32)
    (call $read_only (local.get $path) (local.get $size)))
  (func (export "path_rename") (param $fd i32) (param $path i32) (param $size i32) (param i32 i32 i32) (result i32)
    (call $read_only (local.get $path) (local.get $size)))
  (func (export "path_symlink") (param $old i32) (param $old_size i32) (param $fd i32) (param $path i32)
        (param $size i32) (result i32)
    (call $read_only (local.get $path) (local.get $size)))
  (func (export "path_link") (param i32 i32 i32 i32 i32) (param $path i32) (param $size i32) (result i32)
    (call $read_only (local.get $path) (local.get $size)))
  (func (export "path_filestat_set_times") (param $fd i32) (param $flags i32) (param $path i32) (param $size i32)
        (param i64 i64 i32) (result i32)
    (call $read_only (local.get $path) (local.get $size)))

  ;; One subscription to a clock (kind 0 at 8) is what sleeping asks for.
  (func (export "poll_oneoff") (param $subscription i32) (param $event i32) (param $count i32) (param $events i32)
        (result i32)
    (if (i32.or (i32.ne (local.get $count) (i32.const 1)) (i32.load8_u offset=8 (local.get $subscription)))
      (then (call $refuse_wait)))
    (call $poll_oneoff (local.get $subscription) (local.get $event) (local.get $count) (local.get $events))))

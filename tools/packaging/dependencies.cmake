# Finds what Tegula stands on and gives it one name each: tegula::zstd, tegula::xxhash and
# tegula::msgpack. Installed too: whoever links the static library needs the same three.
# Sets tegula_missing to the names of those that were not found.

find_package(PkgConfig QUIET)
set(tegula_missing "")

# tegula_dependency(NAME PACKAGES a b TARGETS c d PC e f): the first that exists, CMake's own first.
function(tegula_dependency name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "PACKAGES;TARGETS;PC")
	if(TARGET tegula::${name})
		return()
	endif()
	set(found "")
	foreach(package ${arg_PACKAGES})
		if(NOT found)
			find_package(${package} CONFIG QUIET GLOBAL)
		endif()
		foreach(target ${arg_TARGETS})
			if(NOT found AND TARGET ${target})
				set(found ${target})
			endif()
		endforeach()
	endforeach()
	foreach(pc ${arg_PC})
		if(NOT found AND PkgConfig_FOUND)
			pkg_check_modules(tegula_pc_${pc} QUIET IMPORTED_TARGET GLOBAL ${pc})
			if(TARGET PkgConfig::tegula_pc_${pc})
				set(found PkgConfig::tegula_pc_${pc})
			endif()
		endif()
	endforeach()
	if(NOT found)
		set(tegula_missing ${tegula_missing} ${name} PARENT_SCOPE)
		return()
	endif()
	add_library(tegula::${name} INTERFACE IMPORTED GLOBAL)
	set_property(TARGET tegula::${name} PROPERTY INTERFACE_LINK_LIBRARIES ${found})
endfunction()

tegula_dependency(zstd PACKAGES zstd TARGETS zstd::libzstd_shared zstd::libzstd zstd::libzstd_static
	PC libzstd)
tegula_dependency(xxhash PACKAGES xxHash TARGETS xxHash::xxhash PC libxxhash)
# Its package was renamed with each major version: msgpack 4, msgpackc 5, msgpack-c 6.
tegula_dependency(msgpack PACKAGES msgpack-c msgpackc msgpack TARGETS msgpack-c msgpackc
	PC msgpack-c msgpackc msgpack)
